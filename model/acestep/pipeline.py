"""The phases of a render, in order: prompts, source, conditions, denoising, decoding.

Each phase is a function of its inputs and the one network it uses, so that networks can load and unload between phases.
All randomness comes from the request's seed and take. Shapes: B takes, T latent frames, S condition tokens. Latents are
float32 on the network's device, whatever the network's dtype.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from model.acestep.conditioning.request_plan import Prompts
from model.acestep.conditioning.text_encoder import TextEncoder
from model.acestep.device.memory_plan import REFERENCE_FRAMES
from model.acestep.latent_grid import Window
from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder, Packed
from model.acestep.networks.dit import Dit, DitPlan, Step
from model.acestep.sampling.guidance import Guide
from model.acestep.sampling.masks import (
    Region,
    TaskMasks,
    context_latents,
    padded_with_silence,
    task_masks,
    with_silence,
)
from model.acestep.sampling.render_settings import RenderSettings
from model.acestep.sampling.samplers import (
    Keep,
    NoisePurpose,
    OnStep,
    Solver,
    StepNoise,
    denoise,
    from_source,
    generator,
    noise_like_latents,
    varied,
)
from model.acestep.sampling.schedules import Times, step_count
from model.acestep.weights.capabilities import ModelTask
from model.engine import ShouldStop
from model.torch_device import send

# --- prompts ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PromptStates:
    """Encoded prompts for the condition encoder, each [1, S, text width].

    unconditioned: of `Prompts.unconditioned_text`.
    """

    text: Tensor
    lyrics: Tensor
    unconditioned: Tensor | None = None


def encode_prompts(encoder: TextEncoder, prompts: Prompts, settings: RenderSettings) -> PromptStates:
    """The prompts of one piece of audio; the unconditioned text only if the render switches to it."""
    unconditioned = None if settings.switch_step is None else encoder.states(prompts.unconditioned_text)
    return PromptStates(encoder.states(prompts.text), encoder.embeddings(prompts.lyrics), unconditioned)


# --- source -------------------------------------------------------------------------------------------


def placed(latents: Tensor | None, window: Window, silence: Tensor) -> Tensor:
    """Source latents [1, t, 64] at their position in the window, with silence around them: [1, T, 64].

    None = a silent source. Only the song itself was encoded: zeros next to it would be audible in its last frames.
    """
    if latents is None:
        return padded_with_silence(silence[:, : window.frames], silence, window.frames)
    before = silence[:, : window.source[0]].to(latents)
    return padded_with_silence(torch.cat([before, latents], dim=1), silence, window.frames)


def code_latents(
    tokenizer: AudioTokenizer, detokenizer: AudioDetokenizer, latents: Tensor, silence: Tensor
) -> Tensor:
    """A source [1, T, 64] reduced to audio codes and back to latents: [1, T, 64]; "hints" in the reference code."""
    weight = tokenizer.latents_in.weight
    with torch.no_grad():
        codes = tokenizer.encode(latents.to(weight), silence.to(weight))
    return latents_of_codes(tokenizer, detokenizer, codes, silence, latents.shape[1])


def latents_of_codes(
    tokenizer: AudioTokenizer, detokenizer: AudioDetokenizer, codes: Tensor, silence: Tensor, frames: int
) -> Tensor:
    """Audio codes [1, N] as latents [1, frames, 64], padded with silence if there are too few."""
    with torch.no_grad():
        latents = detokenizer(tokenizer.decode(codes)).float()
    return padded_with_silence(latents[:, :frames], silence, frames)


# --- context ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """The transformer's context, and the source for injection.

    context: [1, T, 128]. unconditioned: the same without a source, for the steps after the switch.
    source: unchanged latents [1, T, 64], for injection and for starting from them.
    """

    context: Tensor
    unconditioned: Tensor
    source: Tensor
    masks: TaskMasks


def set_scene(
    task: ModelTask,
    source: Tensor,
    silence: Tensor,
    settings: RenderSettings,
    region: Region | None = None,
    from_codes: Tensor | None = None,
) -> Scene:
    """The context of a task over the frames of `source` [1, T, 64].

    from_codes: code latents [1, T, 64] that replace the source, for covers and for planned songs.
    """
    frames = source.shape[1]
    has_codes = from_codes is not None and task is not ModelTask.COVER
    masks = task_masks(task, frames, region, settings.mask_mode, has_codes=has_codes)
    if masks.from_codes and from_codes is None:
        raise ValueError(f"{task.value} needs the source reduced to codes")
    shown = source if from_codes is None else from_codes
    quiet = padded_with_silence(silence[:, :frames], silence, frames).to(source)
    return Scene(
        context=context_latents(with_silence(shown, quiet, masks.silenced), masks.chunk),
        unconditioned=context_latents(quiet, masks.chunk),
        source=source,
        masks=masks,
    )


@dataclass(frozen=True)
class Conditions:
    """Encoder states [1, S, C]: of the prompt, of no condition, and of the prompt after the switch."""

    prompt: Tensor
    nothing: Tensor
    unconditioned: Tensor | None = None


def encode_timbre(encoder: ConditionEncoder, silence: Tensor, reference: Tensor | None = None) -> Tensor:
    """A vector [N, C] for each clip of a reference, latents [N, 750, 64] of 30 s each; without one, of silence."""
    clips = silence[:, :REFERENCE_FRAMES] if reference is None else reference
    with torch.no_grad():
        timbre: Tensor = encoder.timbre(clips.to(encoder.text.weight))
    return timbre


def encode_conditions(encoder: ConditionEncoder, prompt: PromptStates, timbre: Tensor) -> Conditions:
    """Prompt and timbre for the transformer. timbre: see `encode_timbre`."""
    weight = encoder.text.weight
    item = torch.zeros(len(timbre), dtype=torch.int64, device=weight.device)

    lyrics = _whole(prompt.lyrics.to(weight))

    def encoded(text: Tensor) -> Tensor:
        packed = encoder.with_timbre(_whole(text.to(weight)), lyrics, timbre, item)
        return packed.states

    with torch.no_grad():
        # Attention over equal entries returns that entry, so one suffices for a whole sequence of "no condition".
        return Conditions(
            prompt=encoded(prompt.text),
            nothing=encoder.no_condition.detach(),
            unconditioned=None if prompt.unconditioned is None else encoded(prompt.unconditioned),
        )


def _whole(states: Tensor) -> Packed:
    return Packed(states, torch.ones(states.shape[:2], dtype=torch.bool, device=states.device))


# --- denoising ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Noises:
    """The noise of some takes. start: [B, T, 64]. by_step: fresh noise of that shape for the SDE.

    The latter is drawn when it is needed: that of all steps of several long takes would take gigabytes.
    """

    start: Tensor
    by_step: StepNoise | None = None


def seeded_noises(
    seed: int, takes: tuple[int, ...], frames: int, channels: int, settings: RenderSettings
) -> Noises:
    """Noise for several takes, each from its own generators, so that a take never depends on the others."""

    def drawn(purpose: NoisePurpose, index: int = 0, of_take: int | None = None) -> Tensor:
        rows = (generator(seed, take if of_take is None else of_take, purpose, index) for take in takes)
        return torch.cat([noise_like_latents(frames, channels, row) for row in rows])

    start = drawn(NoisePurpose.START, of_take=settings.start_take)
    for each in settings.retakes:
        start = varied(start, drawn(NoisePurpose.RETAKE, each.variation, each.take), each.variance)
    fresh = settings.sampler.needs_step_noise
    return Noises(start, partial(drawn, NoisePurpose.STEP) if fresh else None)


def compose(
    dit: Dit,
    scene: Scene,
    conditions: Conditions,
    settings: RenderSettings,
    noises: Noises,
    on_step: OnStep = lambda _done, _steps: None,
    should_stop: ShouldStop = lambda: False,
) -> Tensor:
    """Denoised latents [B, T, 64], one for each noise. Raises RenderStopped."""
    weight = dit.patchify.weight
    noise = send(noises.start, weight.device)
    source = scene.source.to(noise).expand_as(noise)
    start = from_source(source, noise, settings.times[0]) if settings.cover_noise > 0 else noise
    with torch.no_grad():
        return denoise(
            _GuidedVelocity(dit, scene, conditions, settings),
            start,
            noise,
            settings.times,
            settings.sampler,
            step_noise=noises.by_step,
            keep=_keep(scene, settings, source),
            on_step=on_step,
            should_stop=should_stop,
        )


def _keep(scene: Scene, settings: RenderSettings, source: Tensor) -> Keep | None:
    if scene.masks.region is None or settings.repaint is None:
        return None
    return Keep(source, scene.masks.region.expand(source.shape[:2]), settings.repaint)


@dataclass(frozen=True)
class _Steps:
    """The transformer with one context: with the prompt, and with no condition where there is guidance."""

    prompt: Step
    nothing: Step | None


class _GuidedVelocity:
    """The transformer with condition, switch and guidance, as a `Velocity` for the sampler."""

    def __init__(self, dit: Dit, scene: Scene, conditions: Conditions, settings: RenderSettings) -> None:
        self._dit = dit
        self._settings = settings
        self._guide = Guide(settings.guidance)
        self._plan: DitPlan = dit.plan(scene.context.shape[1])
        self._nothing = (
            dit.condition(self._ready(conditions.nothing)) if settings.guidance.scale > 1 else None
        )
        steps, switch = step_count(settings.times), settings.switch_step
        last = steps if switch is None else min(switch, steps)
        self._before = self._steps(scene.context, conditions.prompt, settings.times[:last])
        self._after = self._before
        if switch is not None and conditions.unconditioned is not None:
            self._after = self._steps(
                scene.unconditioned, conditions.unconditioned, settings.times[last:steps]
            )

    def __call__(self, latents: Tensor, time: float, step: int, corrector: bool) -> Tensor:
        switch = self._settings.switch_step
        steps = self._before if switch is None or step < switch else self._after
        cond = self._velocity(latents, time, steps.prompt)
        if steps.nothing is None or not self._guide.needs_null(time, corrector):
            return cond
        null = self._velocity(latents, time, steps.nothing)
        if corrector:
            return self._guide.correct(cond, null, latents, time)
        return self._guide.predict(cond, null, latents, time)

    def _velocity(self, latents: Tensor, time: float, step: Step) -> Tensor:
        # Filled where it is used: a copy from main memory would wait for the device at every step. Times stay float32,
        # whatever the weights' dtype.
        at = torch.full((1,), time, dtype=torch.float32, device=latents.device)
        return step(self._ready(latents), at).float()

    def _steps(self, context: Tensor, states: Tensor, times: Times) -> _Steps:
        """times: of the steps they are for."""
        shown, each = self._ready(context), 2 if self._settings.sampler.solver is Solver.HEUN else 1
        guided = each * sum(self._guide.settings.active(time) for time in times)
        condition = self._dit.condition(self._ready(states))
        return _Steps(
            self._dit.step(shown, condition, self._plan, each * len(times)),
            None if self._nothing is None else self._dit.step(shown, self._nothing, self._plan, guided),
        )

    def _ready(self, values: Tensor) -> Tensor:
        return values.to(self._dit.patchify.weight)
