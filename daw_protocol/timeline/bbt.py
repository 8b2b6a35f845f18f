"""A musical position as hosts show it: bar, beat, ticks.

The same bar|beat|tick is a different time under different meters, so this value has no arithmetic and no order;
`TempoMap.quarters_of` and `TempoMap.sample_of` convert it to values that do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.exact_number import check_int, exact, from_text, to_text
from daw_protocol.timeline.meter import MAX_NUMERATOR
from daw_protocol.timeline.written_number import plain

TICKS_PER_QUARTER = 960
MAX_BAR = 1_000_000

# A whole-note beat (denominator 1) is the longest possible beat.
_MAX_TICKS = 4 * TICKS_PER_QUARTER

# ".0": Lua writes 17.0|1.0|0 where its numbers are floats.
_TEXT = re.compile(
    r"\s*([+-]?\d{1,8})(?:(?:\.0+)?\s*\|\s*(\d{1,4})(?:\.0+)?(?:\s*\|\s*([\d./]+))?)?\s*", re.ASCII
)

ZERO = Fraction(0)


@dataclass(frozen=True)
class Bbt:
    """Bar on the host's ruler (may be 0 or negative), beat from 1, ticks into the beat.

    A tick is 1/960 of a *quarter note*, whatever the meter: a beat of 7/8 has 480 ticks, a beat of 2/2 has
    1,920. Ticks are a Fraction, so positions between two ticks stay exact.

    Raises TypeError for wrong types, ValueError for a bar beyond a million, a beat outside 1..64 or ticks
    outside 0..3840 (the upper end excluded). Only the tempo map knows whether the beat exists in its bar.
    """

    bar: int
    beat: int = 1
    ticks: Fraction = ZERO

    def __post_init__(self) -> None:
        check_int("bar", self.bar, -MAX_BAR, MAX_BAR)
        check_int("beat", self.beat, 1, MAX_NUMERATOR)
        object.__setattr__(self, "ticks", exact("ticks", self.ticks))
        if not 0 <= self.ticks < _MAX_TICKS:
            raise ValueError(f"ticks must be between 0 and {_MAX_TICKS}, got {to_text(self.ticks)[:40]}")

    @classmethod
    def parse(cls, text: str) -> Bbt:
        """The position written as "17|3|240", "17|3" or "17"; ticks may be "240.5" or "721/3".

        "17.2" is refused: hosts disagree whether it means beat 2 or two tenths of a bar.
        Raises TypeError unless given text, ValueError for anything but these forms.
        """
        if not isinstance(text, str):
            raise TypeError(f'a bar position must be text such as "17|3|240", got {text!r}')
        match = _TEXT.fullmatch(plain(text))
        if match is None:
            raise ValueError(f'a bar position must look like "17|3|240", "17|3" or "17", got {text[:40]!r}')
        bar, beat, ticks = match.groups()
        return cls(int(bar), int(beat or 1), from_text("ticks", ticks) if ticks else ZERO)

    def __str__(self) -> str:
        """The inverse of `parse`: "17|3|240", "17|3|240.5", or "17|3|721/3" if no decimal is exact."""
        return f"{self.bar}|{self.beat}|{to_text(self.ticks)}"
