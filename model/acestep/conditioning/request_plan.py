"""Translates a request into the network's terms: window, prompts, settings.

Pure: reads nothing of the audio but its length, loads nothing. The phases that execute the plan are in pipeline.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from model.acestep.conditioning import prompts
from model.acestep.conditioning.prompts import Metas
from model.acestep.latent_grid import FRAMES_PER_SECOND, MAX_CODE, Window, plan_window
from model.acestep.sampling.masks import MaskMode, Region
from model.acestep.sampling.render_settings import CoverFrom, RenderSettings, checked, settings_for
from model.acestep.weights.capabilities import (
    MODEL_TASK,
    TRACKS,
    CheckpointTraits,
    ModelTask,
    capability,
)
from model.engine import Grid, RenderRequest, Task
from model.errors import CannotRender

_ONE_BY_ONE = (ModelTask.EXTRACT, ModelTask.LEGO)
"""Tasks that render each named track separately."""


@dataclass(frozen=True)
class Prompts:
    """The text encoder's input for one piece of audio.

    stem: name of the piece: a track for extract and lego, else "mix".
    text, lyrics: the two prompts. unconditioned_text: the text after the switch to the steps without source.
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

    region: frames to re-render; None = the whole window. A new track (lego) always covers the whole window: given a
        region, the network is trained to join it to the *mix* outside.
    prompts: one entry for each piece of audio, all from the same source.
    metas: the metadata in the prompts.
    codes: audio codes of a planned song, five per second; they replace the source.
    as_it_is: of an edit, the song's words before it.
    together: the takes that are computed in one pass, this one among them; () = it alone.
    """

    task: ModelTask
    window: Window
    region: Region | None
    metas: Metas
    prompts: tuple[Prompts, ...]
    settings: RenderSettings
    seed: int
    take: int
    notes: tuple[str, ...]
    codes: tuple[int, ...] = ()
    as_it_is: Prompts | None = None
    together: tuple[int, ...] = ()

    @property
    def batch(self) -> tuple[int, ...]:
        """The takes that are computed in one pass, in the order of their rows."""
        return self.together or (self.take,)

    @property
    def source_take(self) -> int:
        """The take whose random draws the song is encoded with: of a retake, those of the take that is varied."""
        return self.take if self.settings.start_take is None else self.settings.start_take

    @property
    def every_prompt(self) -> tuple[Prompts, ...]:
        """Those of each piece, then those of the song as it is before an edit."""
        return self.prompts if self.as_it_is is None else (*self.prompts, self.as_it_is)

    @property
    def prompt_names(self) -> list[tuple[Hashable, ...]]:
        """What each encoded prompt depends on."""
        return [
            (prompts.text, prompts.lyrics, prompts.unconditioned_text, self.settings.switch_step is None)
            for prompts in self.every_prompt
        ]


@dataclass(frozen=True)
class SongPlan:
    """The planner's result for a request: metadata the producer did not give, and audio codes 0..63999.

    caption, language: replace the request's; "" = the request's own. fit: as in model.blueprint.Blueprint.
    """

    metas: Metas
    codes: tuple[int, ...]
    caption: str = ""
    language: str = ""
    fit: Mapping[str, float] = field(default_factory=dict)


def plan_render(request: RenderRequest, traits: CheckpointTraits) -> RenderPlan:
    """The network's view of a request, for the first of its takes.

    Raises CannotRender for invalid options and for a region that is too long.
    """
    _assert_described(request, traits)
    task = model_task(request)
    window = plan_window(
        request.start,
        request.end,
        0 if request.song is None or request.task is Task.GENERATE else request.song.frames,
        request.rate,
        handle=request.handle,
        surround_seconds=request.context_seconds,
        ending=request.ending,
    )
    settings = settings_for(traits, task, request.strength, request.options, edits=request.edit is not None)
    metas, notes = metas_of(request, window)
    stem_mask = settings.mask_mode if traits.stem_tuned else None
    texts = tuple(_one(request, task, metas, tracks, stem_mask) for tracks in _tracks(request, task))
    region = window.region if task is ModelTask.REPAINT else None
    every_note = (*settings.notes, *notes, *_unread(request, task))
    plan = RenderPlan(
        task, window, region, metas, texts, settings, request.seed, request.takes[0], every_note
    )
    if request.edit is None:
        return plan
    before = replace(request, caption=request.edit.caption, lyrics=request.edit.lyrics)
    return replace(plan, as_it_is=_one(before, task, metas, (), stem_mask))


def model_task(request: RenderRequest) -> ModelTask:
    """The network's task for a request: a cover and an edit have several forms. Raises CannotRender."""
    if request.task is not Task.COVER:
        return MODEL_TASK[request.task]
    usual = CoverFrom.CODES if request.edit is None else CoverFrom.SONG
    form = checked({COVER_FROM: request.options.get(COVER_FROM, usual.value)})[COVER_FROM]
    if form is CoverFrom.NOTHING and request.edit is None:
        raise CannotRender(
            f"A cover keeps something of its song: {COVER_FROM} cannot be nothing.",
            f"Set {COVER_FROM} to codes or song, or use generate.",
        )
    return _COVER_TASK[form]


COVER_FROM = "cover_from"
_COVER_TASK = {
    CoverFrom.CODES: ModelTask.COVER,
    CoverFrom.SONG: ModelTask.COVER_NOFSQ,
    CoverFrom.NOTHING: ModelTask.TEXT2MUSIC,
}


def with_song_plan(plan: RenderPlan, request: RenderRequest, written: SongPlan) -> RenderPlan:
    """The plan of a new song with the caption, metadata and codes written by the planner."""
    assert plan.task is ModelTask.TEXT2MUSIC, "the planner only plans new songs"
    request = replace(
        request,
        caption=written.caption or request.caption,
        language=written.language or request.language,
    )
    metas = completed(plan.metas, written.metas)
    text = _one(request, plan.task, metas, tuple(dict.fromkeys(request.stems)), None, planned=True)
    return replace(plan, metas=metas, prompts=(text,), codes=written.codes)


def with_codes(plan: RenderPlan, request: RenderRequest, codes: tuple[int, ...]) -> RenderPlan:
    """The plan of a new song that is rendered from audio codes; unchanged without any. Raises CannotRender."""
    if not codes:
        return plan
    if (largest := max(codes)) > MAX_CODE:
        raise CannotRender(
            f"The blueprint has the audio code {largest}; ACE-Step knows 0 to {MAX_CODE}.",
            "Plan the song again, or remove the codes from the blueprint.",
        )
    return with_song_plan(plan, request, SongPlan(Metas(), codes))


def completed(known: Metas, more: Metas) -> Metas:
    """The host's values, with gaps filled by the planner's."""
    return Metas(
        known.bpm if known.bpm is not None else more.bpm,
        known.meter or more.meter,
        known.key or more.key,
        known.seconds,
    )


def _assert_described(request: RenderRequest, traits: CheckpointTraits) -> None:
    """The bridge refuses what `EngineDescription` excludes, and the engine what this checkpoint does not support."""
    song = request.song
    assert capability(traits, request.task).available, request.task
    assert song is not None or request.task is Task.GENERATE, request.task
    assert song is None or (song.rate, song.channels) == (request.rate, request.channels), song
    assert set(request.stems) <= set(TRACKS), request.stems
    assert request.language in prompts.LANGUAGES, request.language
    assert len(request.caption) <= prompts.MAX_CAPTION_CHARACTERS, len(request.caption)
    assert len(request.lyrics) <= prompts.MAX_LYRIC_CHARACTERS, len(request.lyrics)


def metas_of(request: RenderRequest, window: Window) -> tuple[Metas, tuple[str, ...]]:
    """The prompt's metadata at the region's first beat; the duration is that of the whole window."""
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
    # A region that starts on a beat must find that beat despite rounding.
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
    metas: Metas,
    tracks: tuple[str, ...],
    stem_mask: MaskMode | None,
    planned: bool = False,
) -> Prompts:
    """stem_mask: the mask mode for a stem fine-tune, else None. planned: whether there are codes."""
    caption = _caption(request, task, tracks, stem_mask)
    # Without lyrics a new song is instrumental, but an existing song may still have vocals.
    lyrics = request.lyrics or (prompts.INSTRUMENTAL if request.task is Task.GENERATE else "")
    return Prompts(
        stem=tracks[0] if tracks and task in _ONE_BY_ONE else "mix",
        text=prompts.text_prompt(prompts.instruction(task, tracks, has_codes=planned), caption, metas),
        lyrics=prompts.lyric_prompt(lyrics, request.language),
        unconditioned_text=prompts.text_prompt(prompts.instruction(ModelTask.TEXT2MUSIC), caption, metas),
        caption=caption,
    )


def _unread(request: RenderRequest, task: ModelTask) -> tuple[str, ...]:
    """A note about text that this task does not use."""
    if task is ModelTask.EXTRACT and request.caption:
        return ("The prompt was ignored: for extract the model only reads the names of the stems.",)
    return ()


def _caption(
    request: RenderRequest, task: ModelTask, tracks: tuple[str, ...], stem_mask: MaskMode | None
) -> str:
    if task is ModelTask.EXTRACT:
        # Any caption other than the track's name pulls the network towards reconstructing the mix.
        return ", ".join(tracks)
    if task is ModelTask.LEGO and stem_mask is not None:
        explicit = stem_mask is MaskMode.EXPLICIT
        return prompts.stem_caption(request.caption, ", ".join(tracks), explicit_mask=explicit)
    return request.caption
