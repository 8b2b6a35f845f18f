"""Runs one request through all phases of pipeline.py, with networks that load and unload on the way.

Knows the order of the phases and caches what the next render can reuse: prompt states by text, code latents by song
(listener.py caches encoded audio). Knows no files and no devices; `Parts` abstracts both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.acestep import pipeline
from model.acestep.conditioning import sound_latents
from model.acestep.conditioning.audio_rate import decoded_frames, project_audio
from model.acestep.conditioning.fitting_words import fitted
from model.acestep.conditioning.kept_latents import joined, kept_of
from model.acestep.conditioning.listener import Listener, Recent, hears_nothing
from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS
from model.acestep.conditioning.request_plan import Prompts, RenderPlan
from model.acestep.conditioning.text_encoder import TextEncoder
from model.acestep.delivered_pieces import DeliveredPieces
from model.acestep.latent_grid import HOP, plan_window
from model.acestep.lyrics.lyric_timing import present_heads, time_lyrics, with_words
from model.acestep.lyrics.timed_lines import TimedWords, Token
from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit
from model.acestep.networks.vae import Vae
from model.acestep.pipeline import Conditions, PromptStates, Scene
from model.acestep.render_report import report_of
from model.acestep.sampling.render_settings import Encoding
from model.acestep.sampling.samplers import OnStep
from model.acestep.sampling.schedules import step_count
from model.acestep.song_edit import compose_edit, seeded_edit_noise
from model.acestep.weights.capabilities import CheckpointTraits, ModelTask
from model.blueprint import Blueprint
from model.engine import OnProgress, Rendered, RenderRequest, Samples, ShouldStop, Song
from model.errors import CannotRender
from model.pace import Pace

_KEPT_PROMPTS = 64
_KEPT_CODE_LATENTS = 4
_KEPT_TIMBRES = 8  # silence, which most requests have, and references; 8 KB each
_KEPT_CONDITIONS = 4  # up to 28 MB each, where the lyrics are as long as they may be

# Cumulative shares of a render's time, for the progress bar: reading the prompts, encoding song and reference,
# preparing the condition; the rest is denoising and decoding.
_READ, _LISTENED, _REFERRED, _PREPARED = 0.03, 0.12, 0.14, 0.15
_TIMED = 0.97  # where the times of the lyrics are asked for: what is done by then
_COMPOSED = 0.85  # of one piece's share; the rest of it is decoding


class Parts(Protocol):
    """The networks of one checkpoint, each ready to use while its context is open.

    They may all stay on the device, or move in and out one by one.
    """

    traits: CheckpointTraits
    vae_frames: int  # latent frames the autoencoder processes at once
    keeps_loaded: bool  # whether reopening a context is free

    @property
    def silence(self) -> Tensor: ...  # latents, float32 [1, F, 64]
    def text_encoder(self) -> AbstractContextManager[TextEncoder]: ...
    def vae(self) -> AbstractContextManager[Vae]: ...
    def condition_encoder(self) -> AbstractContextManager[ConditionEncoder]: ...
    def audio_codes(self) -> AbstractContextManager[tuple[AudioTokenizer, AudioDetokenizer]]: ...
    def dit(self) -> AbstractContextManager[Dit]: ...


class Renderer:
    """Renders requests with one checkpoint. clock: seconds; only differences matter."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._prompts: Recent[_ReadPrompts] = Recent(_KEPT_PROMPTS)
        self._code_latents: Recent[Tensor] = Recent(_KEPT_CODE_LATENTS)
        self._prepared: Recent[Conditions] = Recent(_KEPT_CONDITIONS)
        self._timbres: Recent[Tensor] = Recent(_KEPT_TIMBRES)
        self._listener = Listener(parts)

    def forget(self) -> None:
        """Drops everything cached for the next render."""
        self._prompts.clear()
        self._code_latents.clear()
        self._prepared.clear()
        self._timbres.clear()
        self._listener.forget()

    def render(
        self,
        request: RenderRequest,
        plan: RenderPlan,
        progress: OnProgress,
        should_stop: ShouldStop,
    ) -> Iterator[Rendered]:
        """See model.engine.Engine; plan: that of one of the request's takes, which are all in its batch.

        Pieces of each stem come in order; the Report of a take comes last of what is its.
        """
        pace = Pace(progress, should_stop, self._clock)
        read, lost, tokens = self._read(plan, pace.part(0.0, _READ))
        plan = replace(plan, notes=(*plan.notes, *lost))
        scene = self._scene(plan, request.song, pace.part(_READ, _LISTENED))
        if plan.as_it_is is not None and hears_nothing(request.song, request.start, request.end):
            raise CannotRender(
                "The song is silent here, so there is nothing to edit.", "Select another region."
            )
        timbre = self._reference(plan, request.reference, pace.part(_LISTENED, _REFERRED))
        sounds = None if request.reference is None else (request.reference.digest, plan.seed)
        names = [(*name, sounds) for name in plan.prompt_names]
        every = self._conditions(names, read, sounds, timbre, pace.part(_REFERRED, _PREPARED))
        prepared, as_it_is = every[: len(plan.prompts)], (every[-1] if plan.as_it_is else None)
        delivered = {take: DeliveredPieces(request) for take in request.takes}
        generating = pace.part(_PREPARED, _TIMED if request.lyric_times else 1.0)
        for low, high, prompts, conditions in self._groups(plan.prompts, prepared):
            part = generating.part(low, high)
            stages = [_stage(plan, each) for each in prompts]
            stretch = part.part(0.0, _COMPOSED)
            if as_it_is is None:
                latents = self._compose(plan, scene, conditions, stages, stretch, should_stop)
            else:
                latents = [self._edit(plan, scene, as_it_is, conditions[0], stretch, should_stop)]
            decoding, count = part.part(_COMPOSED, 1.0), len(request.takes)
            for number, (stem, rows) in enumerate(zip(prompts, latents, strict=True)):
                for index, take in enumerate(request.takes):
                    rendered = rows[plan.batch.index(take)][None]
                    rest = decoding.share(number * count + index, len(prompts) * count)
                    for start, samples in self._decoded(plan, rendered, request.channels, rest, should_stop):
                        yield from _of_take(take, delivered[take].pieces(stem.stem, start, samples))
                    whole = joined(scene.source, rendered, plan.region)
                    yield from _of_take(take, kept_of(request, plan.window, stem.stem, whole))
                    if stem is plan.prompts[-1] and not request.lyric_times:
                        yield from self._finished(request, plan, take, delivered.pop(take))
                # After all of them are decoded: progress never goes back.
                for index, take in enumerate(request.takes if request.lyric_times else ()):
                    rendered = rows[plan.batch.index(take)][None]
                    rest = pace.part(_TIMED, 1.0).share(index, count)
                    found = self._timed(request, plan, scene, conditions[0], rendered, tokens, rest)
                    yield from _of_take(take, [Blueprint(lyrics=found.lines, lyrics_timed=found.timed)])
                    yield from self._finished(request, plan, take, delivered.pop(take), found)

    def _finished(
        self,
        request: RenderRequest,
        plan: RenderPlan,
        take: int,
        pieces: DeliveredPieces,
        words: TimedWords | None = None,
    ) -> Iterator[Rendered]:
        """What comes of a take after its last stem."""
        yield from _of_take(take, pieces.residual())
        report = report_of(replace(plan, take=take), request, self._parts.traits, pieces.peak)
        yield from _of_take(take, [with_words(report, words)])

    def _groups(
        self, prompts: tuple[Prompts, ...], prepared: list[Conditions]
    ) -> Iterator[tuple[float, float, tuple[Prompts, ...], list[Conditions]]]:
        """The prompts to denoise before decoding begins, with their share of the time.

        One at a time if the networks stay loaded, so that the first audio is ready early; otherwise all together, so
        that each network is loaded only once.
        """
        if not self._parts.keeps_loaded:
            yield 0.0, 1.0, prompts, prepared
            return
        count = len(prompts)
        for index in range(count):
            yield index / count, (index + 1) / count, prompts[index : index + 1], prepared[index : index + 1]

    def codes_of(self, song: Song, start: int, end: int, pace: Pace) -> tuple[int, ...]:
        """A part of a song, from sample `start` to `end`, as audio codes, five a second. Raises CannotRender for
        silence."""
        window = plan_window(start, end, song.frames, song.rate, surround_seconds=0.0)
        encoded = self._listener.encode(song, window, Encoding.MEAN, 0, 0, pace)
        if encoded is not None:  # the window of a short part has more of the song around it
            encoded = encoded[:, slice(*(max(0, at - window.source[0]) for at in window.region))]
        if encoded is None or hears_nothing(song, start, end):
            raise CannotRender("The song is silent, so there is nothing to describe.", "Send another file.")
        pace.at("encoding the song", 1.0)
        with self._parts.audio_codes() as (tokenizer, _), torch.no_grad():
            weight = tokenizer.latents_in.weight
            codes = tokenizer.encode(encoded.to(weight), self._parts.silence.to(weight))
        return tuple(int(code) for code in codes[0])

    # --- phases ---------------------------------------------------------------------------------------

    def _read(
        self, plan: RenderPlan, pace: Pace
    ) -> tuple[list[PromptStates], tuple[str, ...], tuple[Token, ...]]:
        """The encoded prompts of each piece, notes about whatever was cut, and the tokens of the first lyric prompt."""
        pace.at("reading the prompt", 0.0)
        names = plan.prompt_names
        read = [self._prompts.get(name) for name in names]
        if any(known is None for known in read):
            with self._parts.text_encoder() as encoder, torch.no_grad():
                for index, (prompts, name) in enumerate(zip(plan.every_prompt, names, strict=True)):
                    if read[index] is not None:
                        continue
                    pace.check()
                    short, notes = fitted(encoder, prompts)
                    states = pipeline.encode_prompts(encoder, short, plan.settings)
                    tokens = tuple(encoder.tokens(short.lyrics, MAX_LYRIC_TOKENS))
                    read[index] = self._prompts.put(name, _ReadPrompts(states, notes, tokens))
        found = [known for known in read if known is not None]
        lost = dict.fromkeys(note for known in found for note in known.notes)
        return [known.states for known in found], tuple(lost), found[0].tokens

    def _scene(self, plan: RenderPlan, song: Song | None, pace: Pace) -> Scene:
        pace.at("encoding the song", 0.0)
        window, settings, silence = plan.window, plan.settings, self._parts.silence
        encoded = None
        if song is not None and window.source != (0, 0):
            encoded = self._listener.encode(
                song, window, settings.encoding, plan.seed, plan.source_take, pace
            )
        source = pipeline.placed(encoded, window, silence)
        code_latents = self._code_latents_of(plan, song, source) if plan.task is ModelTask.COVER else None
        if plan.codes:
            code_latents = self._planned(plan)
        pace.at("encoding the song", 1.0)
        return pipeline.set_scene(plan.task, source, silence, settings, plan.region, code_latents)

    def _planned(self, plan: RenderPlan) -> Tensor:
        """The latents of a planned song's codes [1, T, 64]."""
        with self._parts.audio_codes() as (tokenizer, detokenizer):
            codes = torch.tensor([plan.codes], device=tokenizer.latents_in.weight.device)
            frames = plan.window.frames
            return pipeline.latents_of_codes(tokenizer, detokenizer, codes, self._parts.silence, frames)

    def _code_latents_of(self, plan: RenderPlan, song: Song | None, source: Tensor) -> Tensor:
        """The song reduced to audio codes, as latents; cached for its next cover."""
        drawn = (plan.seed, plan.source_take) if plan.settings.encoding is Encoding.SAMPLE else None
        name = (song.digest if song else "", song is not None and song.kept is not None, plan.window, drawn)
        known = self._code_latents.get(name)
        if known is not None:
            return known
        with self._parts.audio_codes() as (tokenizer, detokenizer):
            return self._code_latents.put(
                name, pipeline.code_latents(tokenizer, detokenizer, source, self._parts.silence)
            )

    def _reference(self, plan: RenderPlan, reference: Song | None, pace: Pace) -> Tensor | None:
        return None if reference is None else self._listener.encode_reference(reference, plan.seed, pace)

    def _conditions(
        self,
        names: Sequence[Hashable],
        read: list[PromptStates],
        sounds: Hashable,
        reference: Tensor | None,
        pace: Pace,
    ) -> list[Conditions]:
        """The conditions of each piece; another take with the same words and timbre has them already.

        sounds: what names the reference. Other words with the same reference, or without one, have its timbre already.
        """
        pace.at("preparing", 0.0)
        found = [self._prepared.get(name) for name in names]
        if any(known is None for known in found):
            with self._parts.condition_encoder() as encoder:
                timbre = self._timbres.get(sounds)
                if timbre is None:
                    timbre = self._timbres.put(
                        sounds, pipeline.encode_timbre(encoder, self._parts.silence, reference)
                    )
                for index, (name, states) in enumerate(zip(names, read, strict=True)):
                    if found[index] is None:
                        pace.check()
                        made = pipeline.encode_conditions(encoder, states, timbre)
                        found[index] = self._prepared.put(name, made)
        return [known for known in found if known is not None]

    def _compose(
        self,
        plan: RenderPlan,
        scene: Scene,
        conditions: list[Conditions],
        stages: list[str],
        pace: Pace,
        should_stop: ShouldStop,
    ) -> list[Tensor]:
        """Latents [B, T, 64] of the batch for each condition, all from the same noise. stages: what to call each
        meanwhile."""
        steps, channels = step_count(plan.settings.times), scene.source.shape[2]
        noises = pipeline.seeded_noises(plan.seed, plan.batch, plan.window.frames, channels, plan.settings)
        found: list[Tensor] = []
        with self._parts.dit() as dit:
            for index, (stage, states) in enumerate(zip(stages, conditions, strict=True)):
                stretch = pace.share(index, len(conditions))
                on_step = _step_progress(stage, stretch)
                on_step(0, steps)
                found.append(
                    pipeline.compose(dit, scene, states, plan.settings, noises, on_step, should_stop)
                )
        return found

    def _edit(
        self,
        plan: RenderPlan,
        scene: Scene,
        as_it_is: Conditions,
        as_wanted: Conditions,
        pace: Pace,
        should_stop: ShouldStop,
    ) -> Tensor:
        """Latents [B, T, 64] of the edited song, for the batch."""
        noise = partial(seeded_edit_noise, plan.seed, plan.batch, *scene.source.shape[1:])
        on_step = _step_progress("editing", pace)
        on_step(0, step_count(plan.settings.times))
        with self._parts.dit() as dit:
            return compose_edit(
                dit, scene, as_it_is, as_wanted, plan.settings, noise, len(plan.batch), on_step, should_stop
            )

    def _timed(
        self,
        request: RenderRequest,
        plan: RenderPlan,
        scene: Scene,
        conditions: Conditions,
        latents: Tensor,
        tokens: tuple[Token, ...],
        pace: Pace,
    ) -> TimedWords:
        with self._parts.dit() as dit:
            heads = present_heads(self._parts.traits, dit.config)
            return time_lyrics(dit, heads, request, plan, scene, conditions, latents, tokens, pace)

    def _decoded(
        self, plan: RenderPlan, latents: Tensor, channels: int, pace: Pace, should_stop: ShouldStop
    ) -> Iterator[tuple[int, Samples]]:
        """(position, samples) at the project's rate and channel count, as they become ready."""
        first, end = decoded_frames(plan.window)
        with self._parts.vae() as vae:
            audio = sound_latents.decode_frames(
                vae, latents, (first, end), self._parts.vae_frames, should_stop
            )
            yield from project_audio(_with_progress(audio, pace, end - first), plan.window, channels)


def _of_take(take: int, found: Iterable[Rendered]) -> Iterator[Rendered]:
    return (replace(each, take=take) for each in found)


class _ReadPrompts(NamedTuple):
    """Prompts of one piece, read. notes: about whatever was cut. tokens: of the lyric prompt."""

    states: PromptStates
    notes: tuple[str, ...]
    tokens: tuple[Token, ...]


def _stage(plan: RenderPlan, prompts: Prompts) -> str:
    """What is being generated: with a pass for each stem, which of them."""
    if len(plan.prompts) == 1:
        return "generating"
    return f"generating {prompts.stem}, pass {plan.prompts.index(prompts) + 1} of {len(plan.prompts)}"


def _step_progress(stage: str, pace: Pace) -> OnStep:
    """Reports the current denoising step."""
    return lambda done, steps: pace.at(f"{stage}, step {min(done + 1, steps)} of {steps}", done / steps)


def _with_progress(audio: Iterator[Tensor], pace: Pace, frames: int) -> Iterator[NDArray[np.float32]]:
    """The decoder's pieces [2, n] as arrays, with progress."""
    done = 0
    for piece in audio:
        done += piece.shape[1]
        pace.at("decoding audio", done / (frames * HOP))
        yield piece.numpy()
