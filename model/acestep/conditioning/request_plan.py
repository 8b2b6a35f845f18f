"""A producer's request in the network's terms: window, words, settings.

Pure: reads no audio beyond its length, loads nothing. The phases that carry the plan out are in pipeline.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model.acestep.conditioning import prompts
from model.acestep.latent_grid import FRAMES_PER_SECOND, Window, plan_window
from model.acestep.sampling.masks import MaskMode, Region
from model.acestep.sampling.render_settings import RenderSettings, settings_for
from model.acestep.weights.capabilities import (
    MODEL_TASK,
    TRACKS,
    CheckpointTraits,
    ModelTask,
    capability,
    refused_tracks,
)
from model.engine import Grid, RenderRequest, Task
from model.errors import CannotRender

_ONE_BY_ONE = (ModelTask.EXTRACT, ModelTask.LEGO)
"""Tasks that give one piece of audio for each track named."""


@dataclass(frozen=True)
class Prompts:
    """What the text encoder reads for one piece of audio.

    stem: name of the piece: a track for extract and lego, else "mix".
    text, lyrics: the two prompts. freed_text: the text once the source is no longer heard.
    caption: the part of both texts that can be shortened.
    """

    stem: str
    text: str
    lyrics: str
    unconditioned_text: str
    caption: str = ""


@dataclass(frozen=True)
class RenderPlan:
    """One take of a request.

    region: frames rendered anew, None when that is the whole window. A new track (lego) is always composed over
        the whole window: with a region the network is trained to join it to the *mix* outside.
    words: one entry for each piece of audio, all from the same source.
    codes: of a planned song, five a second; they take the source's place.
    """

    task: ModelTask
    window: Window
    region: Region | None
    words: tuple[Prompts, ...]
    settings: RenderSettings
    seed: int
    take: int
    notes: tuple[str, ...]
    codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Blueprint:
    """What the planner made of a request: facts the producer did not give, and audio codes 0..63999.

    caption, language: in place of the request's; "" = the request's own.
    """

    metas: prompts.Metas
    codes: tuple[int, ...]
    caption: str = ""
    language: str = ""


def plan_render(
    request: RenderRequest, traits: CheckpointTraits, blueprint: Blueprint | None = None
) -> RenderPlan:
    """Raises CannotRender for what this checkpoint or the network cannot do, with the remedy."""
    if blueprint is not None:
        request = replace(
            request,
            caption=blueprint.caption or request.caption,
            language=blueprint.language or request.language,
        )
    _refuse_impossible(request, traits)
    task = MODEL_TASK[request.task]
    window = plan_window(
        request.start,
        request.end,
        0 if request.song is None or task is ModelTask.TEXT2MUSIC else request.song.frames,
        request.rate,
        handle=request.handle,
        surround_seconds=request.context_seconds,
        ending=request.ending,
    )
    settings = settings_for(traits, task, request.strength, request.options)
    metas, notes = metas_of(request, window)
    if blueprint is not None:
        metas = completed(metas, blueprint.metas)
    stem_mask = settings.mask_mode if traits.stem_tuned else None
    planned = blueprint is not None
    words = tuple(_one(request, task, metas, tracks, stem_mask, planned) for tracks in _tracks(request, task))
    region = window.region if task is ModelTask.REPAINT else None
    every_note = (*settings.notes, *notes, *_unread(request, task))
    codes = blueprint.codes if blueprint is not None else ()
    return RenderPlan(task, window, region, words, settings, request.seed, request.take, every_note, codes)


def completed(known: prompts.Metas, more: prompts.Metas) -> prompts.Metas:
    """What the host knows, and for the rest what the planner wrote."""
    return prompts.Metas(
        known.bpm if known.bpm is not None else more.bpm,
        known.meter or more.meter,
        known.key or more.key,
        known.seconds,
    )


def _refuse_impossible(request: RenderRequest, traits: CheckpointTraits) -> None:
    able = capability(traits, request.task)
    if not able.available:
        raise CannotRender(able.reason, able.remedy)
    if request.song is None and request.task is not Task.GENERATE:
        raise CannotRender(f"There is no song to {request.task.value}.", "Name the song in the request.")
    _refuse_other_format(request)
    strangers = refused_tracks(request.stems)
    if strangers:
        raise CannotRender(
            f"The model knows no track called {', '.join(strangers)}.", f"It knows {', '.join(TRACKS)}."
        )
    if request.language not in prompts.LANGUAGES:
        raise CannotRender(
            f"The model knows no language {request.language!r}.",
            f"Use a code such as en, de or ja, or {prompts.UNKNOWN_LANGUAGE}.",
        )
    _refuse_too_long("caption", request.caption, prompts.MAX_CAPTION_CHARACTERS)
    _refuse_too_long("lyrics", request.lyrics, prompts.MAX_LYRIC_CHARACTERS)


def _refuse_other_format(request: RenderRequest) -> None:
    song = request.song
    if song is not None and (song.rate, song.channels) != (request.rate, request.channels):
        raise CannotRender(
            f"The request is at {request.rate} Hz with {request.channels} channels, "
            f"the song at {song.rate} Hz with {song.channels}.",
            "Ask for the render in the song's own format.",
        )


def _refuse_too_long(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise CannotRender(f"The {what} has {len(text)} characters.", f"The model reads at most {most}.")


def metas_of(request: RenderRequest, window: Window) -> tuple[prompts.Metas, tuple[str, ...]]:
    """The facts of the prompt at the region's first beat; the duration is that of the whole window."""
    seconds = window.frames / FRAMES_PER_SECOND
    at = _beat_at(request.grid, request.start / request.rate)
    if at is None:
        return prompts.metas_from_host(None, None, request.grid.unit, request.key, seconds)
    return prompts.metas_from_host(
        float(request.grid.quarters_per_minute[at]),
        int(request.grid.bar_beats[at]),
        request.grid.unit,
        request.key,
        seconds,
    )


def _beat_at(grid: Grid, seconds: float) -> int | None:
    """Index of the last beat at or before a time, the first beat if there is none, None without beats."""
    if len(grid.seconds) == 0:
        return None
    # A region that starts on a beat must find that beat whatever the rounding of its time.
    return max(0, int(np.searchsorted(grid.seconds, seconds + 1e-6, side="right")) - 1)


def _tracks(request: RenderRequest, task: ModelTask) -> tuple[tuple[str, ...], ...]:
    """The track names of each piece of audio: one at a time for extract and lego, else all together."""
    names = tuple(dict.fromkeys(request.stems))
    if task is ModelTask.EXTRACT:
        names = names or TRACKS
    if task in _ONE_BY_ONE and names:
        return tuple((name,) for name in names)
    return (names,)


def _one(
    request: RenderRequest,
    task: ModelTask,
    metas: prompts.Metas,
    tracks: tuple[str, ...],
    stem_mask: MaskMode | None,
    planned: bool,
) -> Prompts:
    """stem_mask: the mask mode where the checkpoint is a stem fine-tune, else None. planned: there are codes."""
    caption = _caption(request, task, tracks, stem_mask)
    # Without lyrics a new song is instrumental; of a given song nobody said that nobody sings.
    lyrics = request.lyrics or (prompts.INSTRUMENTAL if task is ModelTask.TEXT2MUSIC else "")
    return Prompts(
        stem=tracks[0] if tracks and task in _ONE_BY_ONE else "mix",
        text=prompts.text_prompt(prompts.instruction(task, tracks, has_codes=planned), caption, metas),
        lyrics=prompts.lyric_prompt(lyrics, request.language),
        unconditioned_text=prompts.text_prompt(prompts.instruction(ModelTask.TEXT2MUSIC), caption, metas),
        caption=caption,
    )


def _unread(request: RenderRequest, task: ModelTask) -> tuple[str, ...]:
    """A note for words that this task has no place for."""
    if task is ModelTask.EXTRACT and request.caption:
        return ("The prompt was not read: to extract, the model is told the names of the stems only.",)
    return ()


def _caption(
    request: RenderRequest, task: ModelTask, tracks: tuple[str, ...], stem_mask: MaskMode | None
) -> str:
    if task is ModelTask.EXTRACT:
        # Another caption than the track's name pulls the network towards rebuilding the mix.
        return ", ".join(tracks)
    if task is ModelTask.LEGO and stem_mask is not None:
        explicit = stem_mask is MaskMode.EXPLICIT
        return prompts.stem_caption(request.caption, ", ".join(tracks), explicit_mask=explicit)
    return request.caption
