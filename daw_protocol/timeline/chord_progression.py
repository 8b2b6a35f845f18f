"""A chord progression as text: "Am F C G" (a bar each), "Am F | C % | G" (with bar lines) or "1|1 Am 1|3 F/C 3|1 G7".

The first two count bars from where they are used; positions count bars on the host's ruler, as everywhere. A
progression has a length in whole bars and repeats after it; before its first chord there is none. Pure; no tempo here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from daw_protocol.timeline.bbt import MAX_BAR, TICKS_PER_QUARTER
from daw_protocol.timeline.chord import Chord
from daw_protocol.timeline.exact_number import to_text
from daw_protocol.timeline.written_number import plain

MAX_TEXT = 16_000
MAX_WORDS = 4000
NO_CHORD = "N.C."
BETWEEN_BARS = " · "
FORMS = (
    'write one chord per bar ("Am F C G"), bar lines ("Am F | C G") or positions ("1|1 Am 1|3 F/C 3|1 G7")'
)

_SAME = "%"
_SLASH = "/"
_SILENT = ("n.c.", "nc", "n.c", "n/c")
_POSITION = re.compile(
    r"([+-]?\d{1,7})\|(\d{1,3}(?:\.\d{1,6}|/[1-9]\d{0,2})?)(?:\|(\d{1,4}))?(?=[\s,;]|$)", re.ASCII
)
# A word ends at a blank, a comma, a bar line or at the dash of "Am-F-C"; parentheses may hold all but bar lines.
_WORD = re.compile(r"(?:\([^)|]*\)|(?!-[A-G](?![a-z]{2}))[^\s,;|()\[\]→])+|[()]")
_BAR_LINE = re.compile(r":?\|{1,2}:?")
_BLANK = re.compile(r"[\s,;\[\]]+|[-→]+(?=\s|[A-G])|→")
_LINE_END = re.compile(r"[|\s]*\n[|\s]*")


class Bar(NamedTuple):
    """A bar of the host's ruler: its number and how many beats it has."""

    number: int
    beats: int


class ChordAt(NamedTuple):
    """From `beat` of a bar on (1 = the downbeat; may lie between beats) this chord plays; None = no chord."""

    bar: int
    beat: Fraction
    chord: Chord | None

    def __str__(self) -> str:
        return f"{self.bar}|{to_text(self.beat)} {named(self.chord)}"


Cell = Chord | str
"""A chord, or one of NO_CHORD and "%" (what played before goes on)."""


@dataclass(frozen=True)
class ChordProgression:
    """Either bars or places. bars: the chords of each bar, which share it evenly. places: in order; "%" keeps on."""

    bars: tuple[tuple[Cell, ...], ...] = ()
    places: tuple[tuple[int, Fraction, Cell], ...] = ()

    @classmethod
    def parse(cls, text: str) -> ChordProgression:
        """The progression a producer typed. Raises ValueError that names the word, its place and what is possible."""
        if len(text) > MAX_TEXT:
            raise ValueError(f"must be at most {MAX_TEXT} characters long, got {len(text)}")
        words = list(_words(text))
        if all(word == "|" for word in words):
            raise ValueError(f"there are no chords in it; {FORMS}")
        if len(words) > MAX_WORDS:
            raise ValueError(f"must have at most {MAX_WORDS} words, got {len(words)}")
        if any(isinstance(word, tuple) for word in words):
            return cls(places=_places(words))
        return cls(bars=_bars([word for word in words if isinstance(word, str)]))

    @classmethod
    def of_chords(cls, chords: Sequence[ChordAt], last_bar: int) -> ChordProgression:
        """The progression of chords in order that goes on to the end of `last_bar`."""
        places: list[tuple[int, Fraction, Cell]] = [
            (one.bar, one.beat, one.chord or NO_CHORD) for one in chords
        ]
        if places and places[-1][0] < last_bar:
            places.append((last_bar, Fraction(1), _SAME))
        return cls(places=tuple(places))

    @property
    def length(self) -> int:
        """Bars after which it repeats."""
        return len(self.bars) if self.bars else self.places[-1][0] - self.places[0][0] + 1

    @property
    def first_bar(self) -> int | None:
        """The bar of its first chord on the host's ruler; None where it begins wherever it is used."""
        return self.places[0][0] if self.places else None

    def over(self, bars: Sequence[Bar], begins: int) -> tuple[ChordAt, ...]:
        """Every change of chord in these bars, in order; the first entry is at the first bar's first beat.

        begins: the bar in which a progression without positions begins. Raises ValueError for a position that its bar
        does not have, and where all positions come after the last of these bars.
        """
        start = begins if self.first_bar is None else self.first_bar
        if start > bars[-1].number:
            raise ValueError(
                f"all chords come after bar {bars[-1].number}, the last one of the region; {FORMS}"
            )
        self._check_beats({bar.number: bar.beats for bar in bars})
        changes: list[ChordAt] = []
        if start <= bars[0].number:  # what plays when these bars begin
            changes.append(ChordAt(bars[0].number, Fraction(1), self._before(bars[0], start)))
        else:
            changes.append(ChordAt(bars[0].number, Fraction(1), None))
        for bar in bars:
            if bar.number >= start:
                changes += self._in_bar(bar, (bar.number - start) % self.length)
        return _changes_only(changes)

    def _check_beats(self, beats: dict[int, int]) -> None:
        for bar, beat, chord in self.places:
            if bar in beats and beat >= beats[bar] + 1:
                name = chord if isinstance(chord, str) else str(chord)
                raise ValueError(f"{bar}|{to_text(beat)} {name}: bar {bar} has {beats[bar]} beats")

    def _before(self, bar: Bar, start: int) -> Chord | None:
        """The chord that was playing before a bar, if one was; a round's last chord goes on into the next round."""
        rounds, index = divmod(bar.number - start, self.length)
        earlier = [*range(self.length)] if rounds else [*range(index)]
        order = earlier[index:] + earlier[:index] if rounds else earlier
        for place in reversed(order):
            # The number of beats only spreads the chords: which one comes last is the same for any.
            found = self._in_bar(Bar(0, 64), place)
            if found:
                return found[-1].chord
        return None

    def _in_bar(self, bar: Bar, index: int) -> list[ChordAt]:
        """The changes in the index-th bar of the progression."""
        if self.bars:
            cells = self.bars[index]
            places = [(_share(number, len(cells), bar.beats), cell) for number, cell in enumerate(cells)]
        else:
            first = self.places[0][0]
            places = [(beat, cell) for at, beat, cell in self.places if at - first == index]
        return [
            ChordAt(bar.number, beat, cell if isinstance(cell, Chord) else None)
            for beat, cell in places
            if cell != _SAME and beat < bar.beats + 1
        ]

    def in_bars(self, most: int = 16) -> str:
        """Its chords against its bars, for people: "1 Am · 2 F C · 3 % · 4 G7". At most so many bars."""
        first = self.first_bar or 1
        shown = [f"{first + index} {self._bar_in_words(index)}" for index in range(min(self.length, most))]
        return BETWEEN_BARS.join([*shown, "…"] if self.length > most else shown)

    def _bar_in_words(self, index: int) -> str:
        if self.bars:
            return " ".join(map(str, self.bars[index]))
        found = [(beat, cell) for at, beat, cell in self.places if at - self.places[0][0] == index]
        words = [str(cell) if beat == 1 else f"({to_text(beat)}) {cell}" for beat, cell in found]
        return " ".join(words) or _SAME

    def in_words(self) -> str:
        """How long it is and where it begins: "4 bars from the region's first, repeated to its end"."""
        bars = f"{self.length} bar{'' if self.length == 1 else 's'}"
        where = "the region's first" if self.first_bar is None else f"bar {self.first_bar}"
        return f"{bars} from {where}, repeated to the region's end"

    def __str__(self) -> str:
        """The inverse of `parse`."""
        if self.places:
            return " ".join(f"{bar}|{to_text(beat)} {cell}" for bar, beat, cell in self.places)
        if all(len(bar) == 1 for bar in self.bars):
            return " ".join(str(bar[0]) for bar in self.bars)
        return " | ".join(" ".join(map(str, bar)) for bar in self.bars)


def named(chord: Chord | None) -> str:
    """A chord as text, also where there is none."""
    return NO_CHORD if chord is None else str(chord)


def chords_of(named_chords: Sequence[tuple[str, int, Fraction]]) -> list[ChordAt]:
    """(name, bar, beat) of chords as values. Raises ValueError for a name that is none."""
    return [ChordAt(bar, beat, _chord_or_none(name)) for name, bar, beat in named_chords]


def _chord_or_none(name: str) -> Chord | None:
    return None if name.lower() in _SILENT else Chord.parse(name)


def _words(text: str) -> Iterator[str | tuple[int, Fraction]]:
    """Chords, bar lines ("|") and positions, in order."""
    text = _LINE_END.sub(" | ", text.strip()) if _has_bar_lines(text) else text
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
        elif place := _POSITION.match(text, at):
            yield _position(place)
            at = place.end()
        elif line := _BAR_LINE.match(text, at):
            yield "|"
            at = line.end()
        else:
            word = _WORD.match(text, at)
            assert word is not None, text[at : at + 8]
            yield word[0]
            at = word.end()


def _has_bar_lines(text: str) -> bool:
    return "|" in _POSITION.sub("", text)


def _position(place: re.Match[str]) -> tuple[int, Fraction]:
    bar, beat = int(place[1]), Fraction(plain(place[2]))
    if abs(bar) > MAX_BAR:
        raise ValueError(f"{place[0]} must name a bar within a million")
    if beat < 1:
        raise ValueError(f"{place[0]}: beats count from 1")
    return bar, beat + Fraction(int(place[3] or 0), TICKS_PER_QUARTER)


def _cell(word: str, where: str) -> Cell:
    if word in (_SAME, "./.", ".//."):
        return _SAME
    if word.lower() in _SILENT:
        return NO_CHORD
    try:
        return Chord.parse(word)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _bars(words: list[str]) -> tuple[tuple[Cell, ...], ...]:
    if "|" not in words:
        return tuple(
            (cell,) for cell in _filled([_cell(word, f"bar {n}") for n, word in enumerate(words, 1)], 1)
        )
    bars: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            bars.append([])
        else:
            bars[-1].append(word)
    bars = bars[0 if bars[0] else 1 : len(bars) if bars[-1] else -1]
    found: list[tuple[Cell, ...]] = []
    for number, bar in enumerate(bars, 1):
        cells = [
            _SAME if word == _SLASH else _cell(word, f"bar {number}, chord {place}")
            for place, word in enumerate(bar or [_SAME], 1)
        ]
        # "%" alone repeats the bar before with all its chords.
        found.append(found[-1] if cells == [_SAME] and found else tuple(_filled(cells, number, not found)))
    return tuple(found)


def _filled(cells: list[Cell], bar: int, first: bool = True) -> list[Cell]:
    """The cells; raises ValueError where the very first repeats what is not there."""
    if not cells:
        raise ValueError(f"there are no chords in it; {FORMS}")
    if first and cells[0] == _SAME:
        raise ValueError(f'bar {bar}: "%" and "/" repeat the chord before, and there is none yet')
    return cells


def _places(words: Sequence[str | tuple[int, Fraction]]) -> tuple[tuple[int, Fraction, Cell], ...]:
    found: list[tuple[int, Fraction, Cell]] = []
    place: tuple[int, Fraction] | None = None
    for number, word in enumerate(words, 1):
        if isinstance(word, tuple):
            if place is not None:
                raise ValueError(f"{_at(place)}: no chord follows this position")
            if found and word <= found[-1][:2]:
                raise ValueError(f"{_at(word)}: comes after {_at(found[-1][:2])}; positions must ascend")
            place = word
        elif place is None:
            what = "a bar line" if word == "|" else f"{word[:32]!r}"
            raise ValueError(f"word {number}: {what} has no position of its own; {FORMS}")
        elif word == "|":
            raise ValueError(f"{_at(place)}: a bar line, where a chord should be; {FORMS}")
        else:
            found.append((*place, _cell(word, _at(place))))
            place = None
    if place is not None:
        raise ValueError(f"{_at(place)}: no chord follows this position")
    _filled([found[0][2]], found[0][0])
    return tuple(found)


def _at(place: tuple[int, Fraction]) -> str:
    return f"{place[0]}|{to_text(place[1])}"


def _share(number: int, cells: int, beats: int) -> Fraction:
    """The beat on which the n-th of some chords of a bar begins: whole beats, the earlier chords the longer ones."""
    part = Fraction(number * beats, cells)
    return (Fraction(-(-part.numerator // part.denominator)) if cells <= beats else part) + 1


def _changes_only(chords: Sequence[ChordAt]) -> tuple[ChordAt, ...]:
    """Without those that play already, and without one that another replaces on its beat."""
    kept: list[ChordAt] = []
    for one in chords:
        if kept and one[:2] == kept[-1][:2]:
            kept.pop()
        if not kept or kept[-1].chord != one.chord:
            kept.append(one)
    return tuple(kept)
