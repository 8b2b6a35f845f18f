"""One request through all phases of pipeline.py, with networks that come and go.

Knows the order of the phases and keeps what the next render can use again: words by their text, the song's
latents by its digest. Knows no files and no devices; `Parts` stands for both.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.acestep import pipeline, sound_latents
from model.acestep.audio_rate import decoded_frames, project_audio, source_audio
from model.acestep.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.capabilities import CheckpointTraits, ModelTask
from model.acestep.condition_encoder import ConditionEncoder
from model.acestep.dit import Dit
from model.acestep.latent_grid import FRAMES_PER_SECOND, HOP
from model.acestep.pipeline import Conditions, Scene, TextEncoder, WordStates
from model.acestep.render_settings import Encoding
from model.acestep.request_plan import RenderPlan, Words, plan_render
from model.acestep.samplers import OnStep
from model.acestep.schedules import step_count
from model.acestep.vae import Vae
from model.engine import OnProgress, Piece, Rendered, RenderRequest, Report, Samples, ShouldStop, Song, Task
from model.errors import CannotRender
from model.pace import Pace

MIX = "mix"
HANDLES = "handles"
RESIDUAL = "residual"
UNTRAINED = "The weights of this checkpoint were never trained: what it renders is noise, not music."

_KEPT_WORDS = 64
_KEPT_SONGS = 4

# Shares of a render's time, for the progress bar: reading, listening, preparing; the rest composes and decodes.
_READ, _LISTENED, _PREPARED = 0.03, 0.12, 0.15
_COMPOSED = 0.85  # of one piece's share; the rest of it is decoding


class Parts(Protocol):
    """The networks of one checkpoint, each ready while its context is open.

    One implementation keeps everything on the device, another moves each part in and out.
    """

    traits: CheckpointTraits
    silence: Tensor  # latents, float32 [1, F, 64]
    vae_frames: int  # latent frames the autoencoder works on at once
    keeps_loaded: bool  # whether opening a context again costs nothing

    def text_encoder(self) -> AbstractContextManager[TextEncoder]: ...
    def vae(self) -> AbstractContextManager[Vae]: ...
    def condition_encoder(self) -> AbstractContextManager[ConditionEncoder]: ...
    def audio_codes(self) -> AbstractContextManager[tuple[AudioTokenizer, AudioDetokenizer]]: ...
    def dit(self) -> AbstractContextManager[Dit]: ...


Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The last few values by name; older ones are forgotten."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, name: Hashable) -> Value | None:
        if name in self._values:
            self._values.move_to_end(name)
        return self._values.get(name)

    def put(self, name: Hashable, value: Value) -> Value:
        self._values[name] = value
        self._values.move_to_end(name)
        while len(self._values) > self._kept:
            self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        self._values.clear()


@dataclass
class _Heard:
    """What is known of a song's window. latents, hints: [1, T, 64]; hints only once a cover needed them."""

    latents: Tensor
    hints: Tensor | None = None


class Renderer:
    """Renders requests with one checkpoint. clock: seconds, only differences matter."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._words: Recent[WordStates] = Recent(_KEPT_WORDS)
        self._songs: Recent[_Heard] = Recent(_KEPT_SONGS)

    def forget(self) -> None:
        """Gives back what was kept for the next render."""
        self._words.clear()
        self._songs.clear()

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. Every piece of a stem comes in order; the Report comes last."""
        plan = plan_render(request, self._parts.traits)
        pace = Pace(progress, should_stop, self._clock)
        read = self._read(plan, pace.part(0.0, _READ))
        scene = self._scene(plan, request.song, pace.part(_READ, _LISTENED))
        prepared = self._conditions(read, pace.part(_LISTENED, _PREPARED))
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
        yield self._report(plan, delivered)

    def _groups(
        self, words: tuple[Words, ...], prepared: list[Conditions]
    ) -> Iterator[tuple[float, float, tuple[Words, ...], list[Conditions]]]:
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

    def _read(self, plan: RenderPlan, pace: Pace) -> list[WordStates]:
        pace.at("reading the words", 0.0)
        names = [
            (words.text, words.lyrics, words.freed_text, plan.settings.switch_step is None)
            for words in plan.words
        ]
        known = [self._words.get(name) for name in names]
        if all(states is not None for states in known):
            return [states for states in known if states is not None]
        with self._parts.text_encoder() as encoder, torch.no_grad():
            found = []
            for words, name, states in zip(plan.words, names, known, strict=True):
                pace.check()
                found.append(
                    states or self._words.put(name, pipeline.read_words(encoder, words, plan.settings))
                )
            return found

    def _scene(self, plan: RenderPlan, song: Song | None, pace: Pace) -> Scene:
        pace.at("listening to the song", 0.0)
        heard = self._heard(plan, song, pace)
        if plan.task is ModelTask.COVER and heard.hints is None:
            with self._parts.audio_codes() as (tokenizer, detokenizer):
                heard.hints = pipeline.hints(tokenizer, detokenizer, heard.latents, self._parts.silence)
        hints = heard.hints if plan.task is ModelTask.COVER else None
        pace.at("listening to the song", 1.0)
        return pipeline.set_scene(
            plan.task, heard.latents, self._parts.silence, plan.settings, plan.region, hints
        )

    def _heard(self, plan: RenderPlan, song: Song | None, pace: Pace) -> _Heard:
        """The song's latents under the window, encoded once for all requests that show the same part of it."""
        window, silence = plan.window, self._parts.silence
        if song is None or window.source == (0, 0):
            return _Heard(pipeline.placed(None, window, silence))
        drawn = (plan.seed, plan.take) if plan.settings.encoding is Encoding.SAMPLE else None
        name = (song.digest, window.rate, window.origin, window.frames, window.source, drawn)
        known = self._songs.get(name)
        if known is not None:
            return known
        if not np.isfinite(song.samples).all():
            raise CannotRender("The song contains samples that are not numbers.", "Bounce it again.")
        audio = torch.from_numpy(source_audio(song.samples, window))[None]
        latents = self._encoded(plan, audio, pace)
        return self._songs.put(name, _Heard(pipeline.placed(latents, window, silence)))

    def _encoded(self, plan: RenderPlan, audio: Tensor, pace: Pace) -> Tensor | None:
        if sound_latents.is_silent(audio):
            return None
        with self._parts.vae() as vae:
            return sound_latents.encode_source(
                vae,
                audio,
                plan.settings.encoding,
                plan.seed,
                plan.take,
                self._parts.vae_frames,
                on_frames=lambda done, frames: pace.at("listening to the song", done / frames),
                should_stop=pace.stops,
            )

    def _conditions(self, read: list[WordStates], pace: Pace) -> list[Conditions]:
        pace.at("preparing", 0.0)
        with self._parts.condition_encoder() as encoder:
            found = []
            for states in read:
                pace.check()
                found.append(pipeline.encode_conditions(encoder, states, self._parts.silence))
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
                stretch.at("composing", 0.0)
                found.append(
                    pipeline.compose(
                        dit, scene, states, plan.settings, noises, _steps_told(stretch), should_stop
                    )
                )
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

    def _report(self, plan: RenderPlan, delivered: _Delivered) -> Report:
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
        }
        if traits.untrained:
            return Report(
                f"Noise from untrained weights ({name}): {plan.task.value}.",
                figures,
                (UNTRAINED, *plan.notes),
            )
        return Report(f"Composed by ACE-Step 1.5 ({name}): {plan.task.value}.", figures, plan.notes)


def _steps_told(pace: Pace) -> OnStep:
    return lambda done, steps: pace.at("composing", done / steps)


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
