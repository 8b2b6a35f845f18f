"""One request through all phases of pipeline.py, with networks that come and go.

Knows the order of the phases and keeps what the next render can use again: words by their text, covers' codes by
their song (listener.py keeps what was heard). Knows no files and no devices; `Parts` stands for both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.acestep import pipeline
from model.acestep.conditioning import sound_latents
from model.acestep.conditioning.audio_rate import decoded_frames, project_audio
from model.acestep.conditioning.fitting_words import fitted
from model.acestep.conditioning.listener import Listener, Recent
from model.acestep.conditioning.request_plan import Prompts, RenderPlan
from model.acestep.conditioning.text_encoder import TextEncoder
from model.acestep.latent_grid import FRAMES_PER_SECOND, HOP
from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit
from model.acestep.networks.vae import Vae
from model.acestep.pipeline import Conditions, Scene, WordStates
from model.acestep.sampling.render_settings import Encoding
from model.acestep.sampling.samplers import OnStep
from model.acestep.sampling.schedules import step_count
from model.acestep.weights.capabilities import CheckpointTraits, ModelTask
from model.engine import OnProgress, Piece, Rendered, RenderRequest, Report, Samples, ShouldStop, Song, Task
from model.pace import Pace

MIX = "mix"
HANDLES = "handles"
RESIDUAL = "residual"
UNTRAINED = "The weights of this checkpoint were never trained: what it renders is noise, not music."

_KEPT_WORDS = 64
_KEPT_HINTS = 4

# Shares of a render's time, for the progress bar: reading, listening to song and reference, preparing; the rest
# composes and decodes.
_READ, _LISTENED, _REFERRED, _PREPARED = 0.03, 0.12, 0.14, 0.15
_COMPOSED = 0.85  # of one piece's share; the rest of it is decoding


class Parts(Protocol):
    """The networks of one checkpoint, each ready while its context is open.

    One implementation keeps everything on the device, another moves each part in and out.
    """

    traits: CheckpointTraits
    vae_frames: int  # latent frames the autoencoder works on at once
    keeps_loaded: bool  # whether opening a context again costs nothing

    @property
    def silence(self) -> Tensor: ...  # latents, float32 [1, F, 64]
    def text_encoder(self) -> AbstractContextManager[TextEncoder]: ...
    def vae(self) -> AbstractContextManager[Vae]: ...
    def condition_encoder(self) -> AbstractContextManager[ConditionEncoder]: ...
    def audio_codes(self) -> AbstractContextManager[tuple[AudioTokenizer, AudioDetokenizer]]: ...
    def dit(self) -> AbstractContextManager[Dit]: ...


class Renderer:
    """Renders requests with one checkpoint. clock: seconds, only differences matter."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._words: Recent[tuple[WordStates, tuple[str, ...]]] = Recent(_KEPT_WORDS)
        self._code_latents: Recent[Tensor] = Recent(_KEPT_HINTS)
        self._listener = Listener(parts)

    def forget(self) -> None:
        """Gives back what was kept for the next render."""
        self._words.clear()
        self._code_latents.clear()
        self._listener.forget()

    def render(
        self,
        request: RenderRequest,
        plan: RenderPlan,
        progress: OnProgress,
        should_stop: ShouldStop,
    ) -> Iterator[Rendered]:
        """See model.engine.Engine; plan: of the request. Pieces of a stem come in order; the Report comes last."""
        pace = Pace(progress, should_stop, self._clock)
        read, lost = self._read(plan, pace.part(0.0, _READ))
        plan = replace(plan, notes=(*plan.notes, *lost))
        scene = self._scene(plan, request.song, pace.part(_READ, _LISTENED))
        timbre = self._reference(plan, request.reference, pace.part(_LISTENED, _REFERRED))
        prepared = self._conditions(read, timbre, pace.part(_REFERRED, _PREPARED))
        delivered = _Delivered(request)
        composing = pace.part(_PREPARED, 1.0)
        for low, high, words, conditions in self._groups(plan.words, prepared):
            part = composing.part(low, high)
            latents = self._compose(plan, scene, conditions, part.part(0.0, _COMPOSED), should_stop)
            for stem, rendered in zip(words, latents, strict=True):
                pieces = self._decoded(
                    plan, rendered, request.channels, part.part(_COMPOSED, 1.0), should_stop
                )
                for start, samples in pieces:
                    yield from delivered.pieces(stem.stem, start, samples)
        yield from delivered.residual()
        yield self._report(plan, request, delivered)

    def _groups(
        self, words: tuple[Prompts, ...], prepared: list[Conditions]
    ) -> Iterator[tuple[float, float, tuple[Prompts, ...], list[Conditions]]]:
        """What is composed before decoding begins, with its share of the time.

        One piece at a time where that is free, so that the first is heard early; else all, so that each network
        is loaded once.
        """
        if not self._parts.keeps_loaded:
            yield 0.0, 1.0, words, prepared
            return
        count = len(words)
        for index in range(count):
            yield index / count, (index + 1) / count, words[index : index + 1], prepared[index : index + 1]

    # --- phases ---------------------------------------------------------------------------------------

    def _read(self, plan: RenderPlan, pace: Pace) -> tuple[list[WordStates], tuple[str, ...]]:
        """What each piece's words say to the network, and a note for those it cannot read."""
        pace.at("reading the words", 0.0)
        names = [
            (words.text, words.lyrics, words.unconditioned_text, plan.settings.switch_step is None)
            for words in plan.words
        ]
        read = [self._words.get(name) for name in names]
        if any(known is None for known in read):
            with self._parts.text_encoder() as encoder, torch.no_grad():
                for index, (words, name) in enumerate(zip(plan.words, names, strict=True)):
                    if read[index] is not None:
                        continue
                    pace.check()
                    short, notes = fitted(encoder, words)
                    states = pipeline.read_words(encoder, short, plan.settings)
                    read[index] = self._words.put(name, (states, notes))
        found = [known for known in read if known is not None]
        lost = dict.fromkeys(note for _, notes in found for note in notes)
        return [states for states, _ in found], tuple(lost)

    def _scene(self, plan: RenderPlan, song: Song | None, pace: Pace) -> Scene:
        pace.at("listening to the song", 0.0)
        window, settings, silence = plan.window, plan.settings, self._parts.silence
        heard = None
        if song is not None and window.source != (0, 0):
            heard = self._listener.hear(song, window, settings.encoding, plan.seed, plan.take, pace)
        source = pipeline.placed(heard, window, silence)
        code_latents = self._code_latents_of(plan, song, source) if plan.task is ModelTask.COVER else None
        if plan.codes:
            code_latents = self._planned(plan)
        pace.at("listening to the song", 1.0)
        return pipeline.set_scene(plan.task, source, silence, settings, plan.region, code_latents)

    def _planned(self, plan: RenderPlan) -> Tensor:
        """The latents of a planned song's codes [1, T, 64]."""
        with self._parts.audio_codes() as (tokenizer, detokenizer):
            codes = torch.tensor([plan.codes], device=tokenizer.latents_in.weight.device)
            frames = plan.window.frames
            return pipeline.hints_of_codes(tokenizer, detokenizer, codes, self._parts.silence, frames)

    def _code_latents_of(self, plan: RenderPlan, song: Song | None, source: Tensor) -> Tensor:
        """What audio codes leave of the song, kept for its next cover."""
        drawn = (plan.seed, plan.take) if plan.settings.encoding is Encoding.SAMPLE else None
        name = (song.digest if song else "", plan.window, drawn)
        known = self._code_latents.get(name)
        if known is not None:
            return known
        with self._parts.audio_codes() as (tokenizer, detokenizer):
            return self._code_latents.put(
                name, pipeline.code_latents(tokenizer, detokenizer, source, self._parts.silence)
            )

    def _reference(self, plan: RenderPlan, reference: Song | None, pace: Pace) -> Tensor | None:
        return None if reference is None else self._listener.hear_reference(reference, plan.seed, pace)

    def _conditions(self, read: list[WordStates], timbre: Tensor | None, pace: Pace) -> list[Conditions]:
        pace.at("preparing", 0.0)
        with self._parts.condition_encoder() as encoder:
            found = []
            for states in read:
                pace.check()
                found.append(pipeline.encode_conditions(encoder, states, self._parts.silence, timbre))
            return found

    def _compose(
        self,
        plan: RenderPlan,
        scene: Scene,
        conditions: list[Conditions],
        pace: Pace,
        should_stop: ShouldStop,
    ) -> list[Tensor]:
        """Latents [1, T, 64] for each of the conditions, all from the same noise."""
        steps, channels = step_count(plan.settings.times), scene.source.shape[2]
        noises = pipeline.seeded_noises(
            plan.seed, (plan.take,), plan.window.frames, channels, steps, plan.settings
        )
        found: list[Tensor] = []
        with self._parts.dit() as dit:
            for index, states in enumerate(conditions):
                stretch = pace.part(index / len(conditions), (index + 1) / len(conditions))
                told = _steps_told(stretch)
                told(0, steps)
                found.append(pipeline.compose(dit, scene, states, plan.settings, noises, told, should_stop))
        return found

    def _decoded(
        self, plan: RenderPlan, latents: Tensor, channels: int, pace: Pace, should_stop: ShouldStop
    ) -> Iterator[tuple[int, Samples]]:
        """(position, samples) in the project's rate and channels, as they become ready."""
        first, end = decoded_frames(plan.window)
        with self._parts.vae() as vae:
            audio = sound_latents.decode_frames(
                vae, latents, (first, end), self._parts.vae_frames, should_stop
            )
            yield from project_audio(_told(audio, pace, end - first), plan.window, channels)

    def _report(self, plan: RenderPlan, request: RenderRequest, delivered: _Delivered) -> Report:
        settings, window = plan.settings, plan.window
        traits = self._parts.traits
        name = traits.name
        figures = {
            "checkpoint": name,
            "model_task": plan.task.value,
            "steps": step_count(settings.times),
            "times": [round(moment, 6) for moment in settings.times],
            "guidance": settings.guidance.scale,
            "window_seconds": window.frames / FRAMES_PER_SECOND,
            "song_seconds": (window.source[1] - window.source[0]) / FRAMES_PER_SECOND,
            "peak": round(delivered.peak, 6),
            "reference": request.reference is not None,
            "planned_codes": len(plan.codes),
        }
        if traits.untrained:
            return Report(
                f"Noise from untrained weights ({name}): {plan.task.value}.",
                figures,
                (UNTRAINED, *plan.notes),
            )
        return Report(f"Composed by ACE-Step 1.5 ({name}): {plan.task.value}.", figures, plan.notes)


def _steps_told(pace: Pace) -> OnStep:
    """Says which step is being worked on."""
    return lambda done, steps: pace.at(f"composing, step {min(done + 1, steps)} of {steps}", done / steps)


def _told(audio: Iterator[Tensor], pace: Pace, frames: int) -> Iterator[NDArray[np.float32]]:
    """The decoder's pieces [2, n] as arrays, with progress."""
    done = 0
    for piece in audio:
        done += piece.shape[1]
        pace.at("rendering audio", done / (frames * HOP))
        yield piece.numpy()


class _Delivered:
    """Sorts decoded audio into the pieces a request is answered with."""

    def __init__(self, request: RenderRequest) -> None:
        self._request = request
        self._stems: dict[str, list[Samples]] = {}
        self.peak = 0.0

    def pieces(self, stem: str, start: int, samples: Samples) -> Iterator[Piece]:
        """The part inside the region under its stem, and of a mix all of it as handles."""
        request = self._request
        if stem == MIX and request.handle:
            yield Piece(HANDLES, start, samples)
        begin, end = max(request.start - start, 0), min(request.end - start, len(samples))
        if begin >= end:
            return
        inside = np.ascontiguousarray(samples[begin:end])
        self.peak = max(self.peak, float(np.abs(inside).max()))
        if stem != MIX:
            self._stems.setdefault(stem, []).append(inside)
        yield Piece(stem, start + begin, inside)

    def residual(self) -> Iterator[Piece]:
        """For EXTRACT, what the stems leave of the song, so that all pieces together sum to it."""
        request = self._request
        if request.song is None or request.task is not Task.EXTRACT:
            return
        rest = self._source(request.song).astype(np.float64)
        for parts in self._stems.values():
            rest -= np.concatenate(parts)
        yield Piece(RESIDUAL, request.start, rest.astype(np.float32))

    def _source(self, song: Song) -> Samples:
        """The region of the song, zeros where it has none."""
        request = self._request
        source = np.zeros((request.length, request.channels), np.float32)
        first, end = max(request.start, 0), min(request.end, song.frames)
        if first < end:
            source[first - request.start : end - request.start] = song.samples[first:end]
        return source
