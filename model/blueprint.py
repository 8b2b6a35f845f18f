"""What an engine knows of a piece of music in words: tempo, key, sections, chords, lyrics. Values and their JSON form.

Times are seconds from the first sample of the song, or of the region where there is no song, as in model/engine.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Any

MAX_SECONDS = 1e9
MAX_TEMPO = 1e6  # no music; anything beyond is a mistake
OPEN_FIELDS = ("caption", "lyrics", "language", "key", "tempo", "meter")
"""What a planner can write of a blueprint where the producer and the host leave it open."""


@dataclass(frozen=True)
class Section:
    """A part of the song, such as "verse" or "A". start, end: seconds. confidence: 0..1; None where there is none."""

    name: str
    start: float
    end: float
    confidence: float | None = None

    def __post_init__(self) -> None:
        _check_text(self, "name")
        _check_seconds(self, "start", "end")
        if self.confidence is not None:
            _check_share("confidence", self.confidence)
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
    other_tempo: half or twice the tempo, where that may be meant as well.
    downbeat: seconds of the first beat of the first whole bar.
    beats:    seconds of every beat, where the tempo changes; () where it does not, or is not known. `downbeat` is one.
    tuning:   cents above A = 440 Hz.
    confidence: of these, by name, 0..1; "octave" is that of the tempo against its half and double.
    fit:      how well the codes say what the words say, as their planner reads them back: "total", "caption", "lyrics"
              and "facts", 0..1. It ranks plans of the same request, and is no mark.
    caption:  the music in a sentence. language: of the lyrics, as in requests.
    lyrics:   every line, section tags such as "[Verse 1]" and blank ones among them.
    lyrics_timed: their times are when they are sung, as a network attended to them; else they are a plan's layout.
    seconds:  length of the music.
    codes:    the music as the engine's own audio codes, from its first sample on; only that engine reads them.
    take:     as in `model.engine.Piece`; not part of the JSON form.
    """

    tempo: float | None = None
    key: str | None = None
    meter: str | None = None
    sections: tuple[Section, ...] = ()
    chords: tuple[TimedChord, ...] = ()
    caption: str = ""
    lyrics: tuple[LyricLine, ...] = ()
    lyrics_timed: bool = False
    language: str = ""
    other_tempo: float | None = None
    downbeat: float | None = None
    beats: tuple[float, ...] = ()
    tuning: float | None = None
    seconds: float | None = None
    codes: tuple[int, ...] = ()
    confidence: Mapping[str, float] = field(default_factory=dict)
    fit: Mapping[str, float] = field(default_factory=dict)
    take: int | None = None

    def __post_init__(self) -> None:
        for name in ("tempo", "other_tempo"):
            given = getattr(self, name)
            if given is not None and not (_is_number(given) and 0 < given <= MAX_TEMPO):
                raise ValueError(f"{name} must be quarter notes a minute above 0, got {given!r}")
        _check_text(self, "caption", "language")
        _check_text(self, *(name for name in ("key", "meter") if getattr(self, name) is not None))
        times = [chord.time for chord in self.chords]
        if times != sorted(times):
            raise ValueError("chords must be in the order of their times")
        _check_rhythm(self)
        _check_extent(self)

    @property
    def words(self) -> str:
        """The lyrics as one text."""
        return "\n".join(line.text for line in self.lyrics)

    def to_json(self) -> dict[str, Any]:
        """Its JSON object, without what is not known."""
        found = {name: _plain(given) for name, given in asdict(self).items() if name != "take"}
        return {
            name: given
            for name, given in found.items()
            if given not in (None, "", [], {}) and given is not False
        }

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
        for name in ("beats", "codes"):
            if name in named:
                named[name] = tuple(_listed(name, named[name]))
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
    """Records without what is not known; tuples as lists."""
    if isinstance(given, (list, tuple)):
        return [_plain(entry) for entry in given]
    if isinstance(given, Mapping):
        return {key: value for key, value in given.items() if value is not None}
    return given


def _check_rhythm(found: Blueprint) -> None:
    for name in ("downbeat", "tuning"):
        given = getattr(found, name)
        if given is not None and not (_is_number(given) and abs(given) <= MAX_SECONDS):
            raise ValueError(f"{name} must be a number, got {given!r}")
    if not isinstance(found.beats, tuple) or not all(map(_is_number, found.beats)):
        raise TypeError("beats must be a tuple of seconds")
    if any(later <= earlier for earlier, later in pairwise(found.beats)):
        raise ValueError("beats must ascend")
    for name in ("confidence", "fit"):
        shares = getattr(found, name)
        if not isinstance(shares, Mapping):
            raise TypeError(f"{name} must be an object, got {shares!r}")
        for key, given in shares.items():
            _check_share(f"{name}.{key}", given)


def _check_extent(found: Blueprint) -> None:
    given = found.seconds
    if given is not None and not (_is_number(given) and 0 < given <= MAX_SECONDS):
        raise ValueError(f"seconds must be above 0, got {given!r}")
    whole = (isinstance(code, int) and not isinstance(code, bool) and code >= 0 for code in found.codes)
    if not isinstance(found.codes, tuple) or not all(whole):
        raise ValueError("codes must be a tuple of whole numbers from 0")


def _check_share(name: str, given: object) -> None:
    if not (isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 1):
        raise ValueError(f"{name} must be between 0 and 1, got {given!r}")


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
