"""Translates a request into v1's terms: window, words, settings. Pure: loads nothing."""

from __future__ import annotations

from dataclasses import dataclass

from model.acestep_v1.conditioning.lyric_tokens import with_plain_tag
from model.acestep_v1.frame_window import FrameWindow, plan_frames
from model.acestep_v1.render_settings import Edit, V1Settings, v1_settings
from model.engine import RenderRequest, Task
from model.tagged_caption import tagged_caption

INSTRUMENTAL = "[inst]"
"""The lyrics of a new song without a voice."""
OUTRO = "[outro]"
NEW_PARTS = 1.0
"""How far a continuation or a gap goes from what was there: there was nothing."""


@dataclass(frozen=True)
class V1Words:
    """What the network reads: the prompt, and the lyrics with their language."""

    prompt: str
    lyrics: str
    language: str


@dataclass(frozen=True)
class V1Plan:
    """One take of a request. variance: how far a region goes from the song; kept: the share of a covered song, 0..1.

    old: the words of the song as it is, for an edit.
    """

    task: Task
    window: FrameWindow
    words: V1Words
    settings: V1Settings
    seed: int
    take: int
    variance: float = 1.0
    kept: float = 0.0
    old: V1Words | None = None

    @property
    def every_word(self) -> tuple[V1Words, ...]:
        """The words the render follows, and then those of the song as it is."""
        return (self.words,) if self.old is None else (self.words, self.old)


def plan_v1(request: RenderRequest) -> V1Plan:
    """Raises CannotRender for invalid options, and for a region that is too long."""
    task = request.task
    settings = v1_settings(task, request.options)
    window = plan_frames(
        request.start,
        request.end,
        0 if request.song is None or task is Task.GENERATE else request.song.frames,
        request.rate,
        handle=request.handle,
        surround_seconds=request.context_seconds,
        everything=task in (Task.GENERATE, Task.COVER),
    )
    edit = settings.edit is not Edit.OFF
    return V1Plan(
        task=task,
        window=window,
        words=V1Words(tagged_caption(request), lyrics_of(request), request.language),
        settings=settings,
        seed=request.seed,
        take=request.take,
        variance=request.strength if task is Task.REPAINT else NEW_PARTS,
        kept=1.0 - request.strength,
        old=V1Words(settings.old_prompt, settings.old_lyrics, request.language) if edit else None,
    )


def lyrics_of(request: RenderRequest) -> str:
    """The lyrics with the tag of an ending, and with section tags as the network knows them."""
    lyrics = request.lyrics.strip()
    if not lyrics and request.task is Task.GENERATE:
        lyrics = INSTRUMENTAL
    lines = [with_plain_tag(line.strip()) for line in lyrics.split("\n")] if lyrics else []
    if request.ending and OUTRO not in lines:
        lines.append(OUTRO)
    return "\n".join(lines)
