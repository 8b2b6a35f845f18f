"""Runs one request through all phases: words, song, conditions, denoising, decoding; keeps what the next can use.

The song's latents depend on the window that was encoded, since the encoder sees all of it; takes of a region share it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.acestep.conditioning.listener import Recent
from model.acestep.sampling.samplers import NoisePurpose, generator
from model.acestep_v1.conditioning.audio_44100 import project_pieces, window_audio
from model.acestep_v1.conditioning.lyric_tokens import lyric_tokens
from model.acestep_v1.frame_window import FRAME, FrameWindow
from model.acestep_v1.request_plan import V1Plan, V1Words
from model.acestep_v1.sampling.conditions import Words, conditions_of
from model.acestep_v1.sampling.denoise import Region, Watch, cover_start, generated, repainted, varied
from model.acestep_v1.sampling.edit import edited
from model.acestep_v1.sampling.schedules import euler, heun, picked
from model.acestep_v1.sampling.steps import SongSolver
from model.acestep_v1.sampling.velocity import TAU, EditVelocity, GuidedVelocity, Network, RenderConditions
from model.acestep_v1.v1_parts import V1Parts
from model.engine import OnProgress, Piece, Rendered, RenderRequest, Report, Samples, ShouldStop, Task
from model.pace import Pace

MIX, HANDLES = "mix", "handles"
UNTRAINED = "This checkpoint's weights are untrained, so the render is noise, not music."
_KEPT_WORDS, _KEPT_CONDITIONS, _KEPT_SONGS = 64, 4, 4
_READ, _HEARD, _PREPARED, _COMPOSED = 0.03, 0.1, 0.12, 0.9  # of a render's time, summed up


class V1Renderer:
    """Renders requests with one checkpoint. clock: seconds; only differences matter."""

    def __init__(
        self, parts: V1Parts, name: str, untrained: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._parts = parts
        self._name = name
        self._untrained = untrained
        self._clock = clock
        self._words: Recent[tuple[Words, tuple[str, ...]]] = Recent(_KEPT_WORDS)
        self._conditions: Recent[RenderConditions] = Recent(_KEPT_CONDITIONS)
        self._songs: Recent[Tensor] = Recent(_KEPT_SONGS)

    def forget(self) -> None:
        """Drops everything kept for the next render."""
        self._words.clear()
        self._conditions.clear()
        self._songs.clear()

    def forget_conditions(self) -> None:
        """Drops what an adapter changes."""
        self._conditions.clear()

    def render(
        self, request: RenderRequest, plan: V1Plan, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine; plan: the request's. Pieces come in order; the Report comes last."""
        pace = Pace(progress, should_stop, self._clock)
        read = {each: self._read(plan, each, pace.part(0.0, _READ)) for each in plan.every_word}
        notes = tuple(dict.fromkeys(note for _, about in read.values() for note in about))
        song = self._heard(request, plan.window, pace.part(_READ, _HEARD))
        pace.at("preparing", _HEARD)
        found = [self._prepared(plan, each, read[each][0]) for each in plan.every_word]
        latents = self._composed(plan, found, song, pace.part(_PREPARED, _COMPOSED), should_stop)
        peak = 0.0
        for start, samples in self._decoded(
            plan, latents, request.channels, pace.part(_COMPOSED, 1.0), should_stop
        ):
            if request.handle:
                yield Piece(HANDLES, start, samples)
            begin, end = max(request.start - start, 0), min(request.end - start, len(samples))
            if begin < end:
                inside = np.ascontiguousarray(samples[begin:end])
                peak = max(peak, float(np.abs(inside).max()))
                yield Piece(MIX, start + begin, inside)
        yield self._report(plan, request, notes, peak)

    # --- phases ---------------------------------------------------------------------------------------

    def _read(self, plan: V1Plan, words: V1Words, pace: Pace) -> tuple[Words, tuple[str, ...]]:
        """Prompt and lyrics as the network gets them, and what was not read."""
        pace.at("reading the prompt", 0.0)
        weak = plan.settings.weakening.text and plan.settings.weakening.lyrics
        name = (words, weak)
        known = self._words.get(name)
        if known is not None:
            return known
        tokens = lyric_tokens(words.lyrics, words.language, self._parts.vocabulary)
        with self._parts.text_encoder() as encoder:
            lost = encoder.unread(words.prompt)
            states = encoder.states(words.prompt).float().cpu()
            vague = encoder.states(words.prompt, TAU).float().cpu() if weak else None
        notes = (
            (f"The prompt is longer than the model reads: from {lost[:40]!r} on it was ignored.",)
            if lost
            else ()
        )
        return self._words.put(name, (Words(states, vague, tokens.ids), (*tokens.notes, *notes)))

    def _heard(self, request: RenderRequest, window: FrameWindow, pace: Pace) -> Tensor | None:
        """The song's latents in the window [1, 8, 16, T], zeros where there is none; None for a new song."""
        if request.song is None or window.song == (0, 0) or request.task is Task.GENERATE:
            return None
        pace.at("encoding the song", 0.0)
        name = (request.song.digest, window.rate, window.first, window.song)
        latents = self._songs.get(name)
        if latents is None:
            audio = torch.from_numpy(window_audio(request.song.samples, window))
            with self._parts.codec() as codec:
                latents = self._songs.put(name, codec.encode(audio).cpu())
        before = window.song[0]
        return torch.nn.functional.pad(latents, (before, window.frames - window.song[1]))

    def _prepared(self, plan: V1Plan, written: V1Words, words: Words) -> RenderConditions:
        """The conditions of some words."""
        settings = plan.settings
        separate = settings.guidance.separate and plan.old is None
        name = (written, settings.weakening, separate, plan.old is not None)
        known = self._conditions.get(name)
        if known is not None:
            return known
        with self._parts.condition() as network:
            made = conditions_of(
                network, words, settings.weakening, separate=separate, edit=plan.old is not None
            )
        return self._conditions.put(name, made)

    def _composed(
        self,
        plan: V1Plan,
        found: list[RenderConditions],
        song: Tensor | None,
        pace: Pace,
        should_stop: ShouldStop,
    ) -> Tensor:
        """The window's latents [1, 8, 16, T]."""

        def on_step(done: int, count: int) -> None:
            pace.at(f"generating, step {min(done + 1, count)} of {count}", done / count)

        watch = Watch(on_step, should_stop)
        with self._parts.transformer() as transformer, torch.no_grad():
            network = Network(transformer, plan.window.frames)
            if plan.old is not None and song is not None:
                return _edit(plan, network, found, song, watch)
            return _denoised(plan, network, found[0], song, watch)

    def _decoded(
        self, plan: V1Plan, latents: Tensor, channels: int, pace: Pace, should_stop: ShouldStop
    ) -> Iterator[tuple[int, Samples]]:
        """(position, samples) at the project's rate and channel count, as they become ready."""
        first, end = plan.window.wanted_frames

        def pieces() -> Iterator[NDArray[np.float32]]:
            done = 0
            for piece in codec.decode(latents, (first, end), should_stop):
                done += piece.shape[1]
                pace.at("decoding audio", done / ((end - first) * FRAME))
                yield piece.numpy()

        with self._parts.codec() as codec:
            yield from project_pieces(pieces(), plan.window, channels)

    def _report(self, plan: V1Plan, request: RenderRequest, notes: tuple[str, ...], peak: float) -> Report:
        settings, window = plan.settings, plan.window
        figures = {
            "checkpoint": self._name,
            "steps": len(settings.chosen) or settings.steps,
            **({"chosen_steps": list(settings.chosen)} if settings.chosen else {}),
            "solver": settings.solver.value,
            "guidance": settings.guidance.scale,
            "edit": settings.edit.value,
            "window_seconds": round(window.seconds, 3),
            "frames": window.frames,
            "song_frames": window.song[1] - window.song[0],
            "region_frames": window.region[1] - window.region[0],
            "peak": round(peak, 6),
        }
        task = request.task.value
        if self._untrained:
            return Report(
                f"Noise from untrained weights ({self._name}): {task}.", figures, (UNTRAINED, *notes)
            )
        return Report(f"Generated by ACE-Step v1 ({self._name}): {task}.", figures, notes)


def _noise(plan: V1Plan, purpose: NoisePurpose, index: int = 0) -> Tensor:
    """Standard normal float32 [1, 8, 16, T], drawn on the CPU: the same on every device."""
    source = generator(plan.seed, plan.take, purpose, index)
    return torch.randn((1, 8, 16, plan.window.frames), generator=source, dtype=torch.float32)


def _denoised(
    plan: V1Plan, network: Network, conditions: RenderConditions, song: Tensor | None, watch: Watch
) -> Tensor:
    """A new song, a cover or a region."""
    settings, noise = plan.settings, _noise(plan, NoisePurpose.START)
    weakened = settings.weakening.transformer
    if plan.task is Task.COVER and song is not None:
        start = cover_start(plan.kept, settings.steps, settings.matched_start)
        steps = start.schedule.evaluations
        guided = GuidedVelocity(network, conditions, settings.guidance, steps, weakened)
        return generated(
            guided, start.latents(song, noise), start.schedule, omega=settings.omega, watch=watch
        )
    steps = len(settings.chosen) or settings.steps
    guided = GuidedVelocity(network, conditions, settings.guidance, steps, weakened)
    if plan.task is Task.GENERATE or song is None:
        if settings.variation:
            noise = varied(noise, _noise(plan, NoisePurpose.RETAKE), settings.variation)
        schedule = heun(steps) if settings.solver is SongSolver.HEUN else euler(steps)
        if settings.chosen:
            schedule = picked(settings.chosen)
        return generated(
            guided, noise, schedule, settings.solver, settings.omega,
            lambda step: _noise(plan, NoisePurpose.STEP, step), watch,
        )  # fmt: skip
    mask = torch.zeros(plan.window.frames, dtype=torch.bool)
    mask[slice(*plan.window.region)] = True
    # Where there is no song to keep, there is nothing to stay close to: a continuation starts from noise.
    variance = plan.variance
    new = torch.where(mask, varied(noise, _noise(plan, NoisePurpose.RETAKE), variance), noise)
    return repainted(guided, Region(song, mask, new, variance), euler(settings.steps), settings.steps, watch)


def _edit(
    plan: V1Plan, network: Network, found: list[RenderConditions], song: Tensor, watch: Watch
) -> Tensor:
    """The song under new words: the first conditions; the second are those of the song as it is."""
    new, old = (EditVelocity(network, each, plan.settings.guidance.scale) for each in found)
    drawn = iter(range(10 * plan.settings.steps))

    def fresh() -> Tensor:
        return _noise(plan, NoisePurpose.STEP, next(drawn))

    return edited(old, new, song, euler(plan.settings.steps), plan.settings.edit.span, fresh, watch)
