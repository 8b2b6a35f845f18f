"""Presets: values for a task under a name, kept by the server for all its clients."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from daw_protocol.depth import Depth
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Choice, Flag, Names, Real, Text, Whole
from daw_protocol.message import Message, value
from daw_protocol.requests.prompts import MAX_LYRICS, MAX_PROMPT
from daw_protocol.requests.render import (
    CHORDS_DOC,
    LAYERS_DOC,
    MAX_TAKES,
    STRENGTH,
    Accompany,
    Complete,
    Cover,
    Extract,
    Generate,
    Lego,
    Render,
    Repaint,
)
from daw_protocol.requests.request import Request
from daw_protocol.tasks import TASKS
from daw_protocol.timeline.chord_progression import ChordProgression
from daw_protocol.timeline.duration import Duration
from daw_protocol.timeline_fields import ChordsKind, DurationKind

MAX_PRESET_NAME = 64
PRESET_NAME = Text(MAX_PRESET_NAME, 1)
PRESET_TASKS = tuple(name for name, spec in TASKS.items() if spec.makes_takes)


@dataclass(frozen=True, kw_only=True)
class PresetValues(Message):
    """What a preset keeps, named as in the task's request; a value that is not there is not part of the preset."""

    task: str = value(Choice(PRESET_TASKS), "the task it is for")
    prompt: str | None = value(Text(MAX_PROMPT), "a description of the sound", None)
    lyrics: str | None = value(Text(MAX_LYRICS), "lyrics", None)
    language: str | None = value(Text(16), "language of the lyrics", None)
    lyric_times: bool | None = value(Flag(), "whether to find when each line is sung", None)
    strength: float | None = value(STRENGTH, "the strength", None)
    layers: str | None = value(Text(64, 1), LAYERS_DOC, None)
    ending: bool | None = value(Flag(), "whether to bring the song to an end", None)
    instruments: tuple[str, ...] | None = value(Names(), "instruments to use", None)
    chords: ChordProgression | None = value(ChordsKind(), CHORDS_DOC, None)
    stems: tuple[str, ...] | None = value(Names(), "stems, or the track to add", None)
    length: Duration | None = value(DurationKind(), "the length of a new song or a continuation", None)
    takes: int | None = value(Whole(1, MAX_TAKES), "how many versions to render", None)
    context: float | None = value(Real(0, 600), "seconds of context on each side", None)
    crossfade: float | None = value(Real(0, 1000), "milliseconds of crossfade at each end", None)
    depth: str | None = value(Depth(), "how deep clips are that take the song's place", None)
    match_loudness: bool | None = value(Flag(), "match the loudness of the audio it replaces", None)
    engine: str | None = value(Text(32), "the engine", None)

    def kept(self) -> dict[str, Any]:
        """The values of the task's request, without those that the preset does not have."""
        names = (entry.name for entry in fields(PresetValues) if entry.name != "task")
        return {name: given for name in names if (given := getattr(self, name)) is not None}

    def check(self) -> None:
        request = RENDERS[self.task]
        known = {entry.name for entry in fields(request)}
        for name in self.kept():
            if name not in known:
                raise ProtocolError(
                    ErrorCode.UNKNOWN_FIELD, f"{name}: {self.task} has no such value.", "Omit it.", name
                )
        request(**self.kept())


RENDERS: dict[str, type[Render]] = {
    request.task: request
    for request in (
        Repaint, Complete, Accompany, Extract, Generate, Lego,
        Cover,
    )
}  # fmt: skip
"""The request of each task that makes takes."""


@dataclass(frozen=True, kw_only=True)
class ListPresets(Request):
    """All presets, by name."""


@dataclass(frozen=True, kw_only=True)
class SavePreset(PresetValues, Request):
    """Keep values under a name, for all clients of the server; a preset of that name is replaced."""

    name: str = value(PRESET_NAME, "the preset's name")

    def check(self) -> None:
        super().check()
        if not self.name.strip() or "\n" in self.name:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "name: a preset's name is one line of text.",
                "Send another name.",
                "name",
            )


@dataclass(frozen=True, kw_only=True)
class DeletePreset(Request):
    """Delete a preset."""

    name: str = value(PRESET_NAME, "the preset's name")
