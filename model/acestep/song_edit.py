"""An edited song's denoising: two sides with the same context, the song as it is and as it is wanted.

The phases before and after it are those of every render (pipeline.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from model.acestep.networks.dit import Dit, Step
from model.acestep.pipeline import Conditions, Scene
from model.acestep.sampling.flow_edit import FlowEdit, edited
from model.acestep.sampling.guidance import GuidanceKind, Guide
from model.acestep.sampling.render_settings import RenderSettings
from model.acestep.sampling.samplers import NoisePurpose, OnStep, generator, noise_like_latents
from model.acestep.sampling.schedules import step_count
from model.engine import ShouldStop


def seeded_edit_noise(seed: int, takes: tuple[int, ...], frames: int, channels: int, index: int) -> Tensor:
    """The noise [B, T, 64] with this number, counted in the order an edit uses them; every take has its own.

    Drawn when it is needed: all of a long song's, with several draws a step, take gigabytes.
    """
    each = [
        noise_like_latents(frames, channels, generator(seed, take, NoisePurpose.EDIT, index))
        for take in takes
    ]
    return torch.cat(each)


def compose_edit(
    dit: Dit,
    scene: Scene,
    as_it_is: Conditions,
    as_wanted: Conditions,
    settings: RenderSettings,
    noise: Callable[[int], Tensor],
    takes: int = 1,
    on_step: OnStep = lambda _done, _steps: None,
    should_stop: ShouldStop = lambda: False,
) -> Tensor:
    """Latents [B, T, 64] of the edited song. The two sides are computed one by one: padding would be heard.

    noise: [B, T, 64] by number, in the order they are used. takes: B. Raises RenderStopped.
    """
    edit: FlowEdit | None = settings.edit
    assert edit is not None, "the render is an edit"
    place = dit.patchify.weight.device
    song = scene.source.to(place).float().expand(takes, -1, -1)
    steps = step_count(settings.times)
    first, end = edit.window(steps)
    draws = (end - first) * edit.draws
    with torch.no_grad():
        return edited(
            _Side(dit, scene, as_it_is, settings, draws),
            _Side(dit, scene, as_wanted, settings, draws + steps - end),
            song,
            noise,
            settings.times,
            settings.sampler,
            edit,
            on_step,
            should_stop,
        )


class _Side:
    """The transformer with one side's words, as a `SideVelocity`. Guided by APG, as officially, or by plain CFG.

    calls: how many times it will be asked.
    """

    def __init__(
        self, dit: Dit, scene: Scene, words: Conditions, settings: RenderSettings, calls: int
    ) -> None:
        self._dit = dit
        guidance = settings.guidance
        if guidance.kind is GuidanceKind.ADG:
            guidance = replace(guidance, kind=GuidanceKind.APG)
        self._guide = Guide(guidance)
        plan, context = dit.plan(scene.context.shape[1]), self._ready(scene.context)
        self._prompt = dit.step(context, dit.condition(self._ready(words.prompt)), plan, calls)
        self._nothing = None
        if guidance.scale > 1:
            self._nothing = dit.step(context, dit.condition(self._ready(words.nothing)), plan, calls)

    def __call__(self, latents: Tensor, time: float) -> Tensor:
        cond = self._velocity(latents, time, self._prompt)
        if self._nothing is None or not self._guide.settings.active(time):
            return cond
        return self._guide.draw(cond, self._velocity(latents, time, self._nothing), latents, time)

    def end_step(self) -> None:
        self._guide.end_step()

    def _velocity(self, latents: Tensor, time: float, step: Step) -> Tensor:
        # Filled on the device, as in `pipeline`; times stay float32, whatever the weights' dtype.
        at = torch.full((1,), time, dtype=torch.float32, device=latents.device)
        return step(self._ready(latents), at).float()

    def _ready(self, values: Tensor) -> Tensor:
        return values.to(self._dit.patchify.weight)
