"""What an engine knows of a piece of music in words: tempo, key, sections, chords, lyrics. Values and their JSON form.

Times are seconds from the first sample of the song, or of the region where there is no song, as in model/engine.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

MAX_SECONDS = 1e9
MAX_TEMPO = 1e6  # no music; anything beyond is a mistake


@dataclass(frozen=True)
class Section:
    """A part of the song, such as "verse". start, end: seconds."""

    name: str
    start: float
    end: float

    def __post_init__(self) -> None:
        _check_text(self, "name")
        _check_seconds(self, "start", "end")
        if not self.start < self.end:
            raise ValueError(f"end must be after start ({self.start}), got {self.end}")


@dataclass(frozen=True)
class TimedChord:
    """A chord that lasts until the next one. name: as on a chord chart ("Am7"); time: seconds."""

    name: str
    time: float

    def __post_init__(self) -> None:
        _check_text(self, "name")
        _check_seconds(self, "time")


@dataclass(frozen=True)
class LyricLine:
    """A line, or a word, of the lyrics. start, end: seconds; None where they are not known."""

    text: str
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        _check_text(self, "text")
        _check_seconds(self, "start", "end")


@dataclass(frozen=True)
class Blueprint:
    """Everything is optional: None, "" or () where the engine does not know.

    tempo:    quarter notes a minute, where the music begins.
    meter:    "4/4", where the music begins. key: "F# minor".
    caption:  the music in a sentence. language: of the lyrics, as in requests.
    take:     as in `model.engine.Piece`; not part of the JSON form.
    """

    tempo: float | None = None
    key: str | None = None
    meter: str | None = None
    sections: tuple[Section, ...] = ()
    chords: tuple[TimedChord, ...] = ()
    caption: str = ""
    lyrics: tuple[LyricLine, ...] = ()
    language: str = ""
    take: int | None = None

    def __post_init__(self) -> None:
        if self.tempo is not None and not (_is_number(self.tempo) and 0 < self.tempo <= MAX_TEMPO):
            raise ValueError(f"tempo must be quarter notes a minute above 0, got {self.tempo!r}")
        _check_text(self, "caption", "language")
        _check_text(self, *(name for name in ("key", "meter") if getattr(self, name) is not None))
        times = [chord.time for chord in self.chords]
        if times != sorted(times):
            raise ValueError("chords must be in the order of their times")

    def to_json(self) -> dict[str, Any]:
        """Its JSON object, without what is not known."""
        found = {name: _plain(given) for name, given in asdict(self).items() if name != "take"}
        return {name: given for name, given in found.items() if given not in (None, "", [])}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Blueprint:
        """The inverse of `to_json`; names it does not know are ignored, as a later version may have added them.

        Raises TypeError or ValueError for wrong values.
        """
        named = {entry.name: given[entry.name] for entry in fields(cls) if entry.name in given}
        named.pop("take", None)
        for name, kind in _PARTS.items():
            if name in named:
                named[name] = tuple(_part(kind, name, entry) for entry in _listed(name, named[name]))
        return cls(**named)


_Part = Section | TimedChord | LyricLine
_PARTS: Mapping[str, type[_Part]] = {"sections": Section, "chords": TimedChord, "lyrics": LyricLine}


def _part(kind: type[_Part], name: str, given: Any) -> _Part:
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a list of objects, got {given!r}")
    known = {entry.name for entry in fields(kind)}
    return kind(**{key: value for key, value in given.items() if key in known})


def _listed(name: str, given: Any) -> list[Any]:
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"{name} must be a list, got {given!r}")
    return list(given)


def _plain(given: Any) -> Any:
    """Records without the times that are not known; tuples as lists."""
    if isinstance(given, (list, tuple)):
        return [{key: value for key, value in entry.items() if value is not None} for entry in given]
    return given


def _is_number(given: object) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool)


def _check_text(value: object, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(value, name), str):
            raise TypeError(f"{name} must be text, got {getattr(value, name)!r}")


def _check_seconds(value: object, *names: str) -> None:
    for name in names:
        given = getattr(value, name)
        if given is None and isinstance(value, LyricLine):
            continue
        if not _is_number(given) or not abs(given) <= MAX_SECONDS:
            raise ValueError(f"{name} must be a number of seconds, got {given!r}")
