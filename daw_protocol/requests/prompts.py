"""Requests about prompts: what an engine makes of one, and which were used with a song."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, FileName, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.tasks import TASKS
from daw_protocol.timeline.chord_progression import MAX_TEXT

MAX_PROMPT = 2000
MAX_LYRICS = 8000
TASK = Choice(tuple(TASKS))


@dataclass(frozen=True, kw_only=True)
class ReadPrompt(Request):
    """What an engine makes of a prompt, lyrics and chords: what it follows, what it does not. Nothing is rendered."""

    prompt: str = value(Text(MAX_PROMPT), "the prompt", "")
    lyrics: str = value(Text(MAX_LYRICS), "the lyrics", "")
    chords: str = value(Text(MAX_TEXT), "the chords as typed, also while they are not right yet", "")
    task: str = value(TASK, "the task they are for", "repaint")
    engine: str = value(Text(32), "the engine; by default the server's", "")


@dataclass(frozen=True, kw_only=True)
class RecentPrompts(Request):
    """The prompts used last with a song, newest first, each once; without a source, those of generated songs."""

    source: str | None = value(FileName(1024, 1), "the song, as in a render request", None)
    limit: int = value(Whole(1, 100), "how many at most", 20)
