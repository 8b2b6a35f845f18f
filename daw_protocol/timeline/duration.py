"""A length on the timeline as a producer types it: samples, seconds, beats or bars."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.exact_number import to_text
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.written_number import with_points

FORMS = '192000 (samples), "4s", "16b" (quarter notes) or "8 bars"'

# A day: longer than any song, short enough that no later sum can overflow.
MAX_SECONDS = 86_400
MAX_SAMPLES = MAX_SECONDS * 192_000
MAX_BEATS = 100_000


class DurationUnit(enum.Enum):
    """The unit of a length; the value is the suffix after the number."""

    SAMPLES = ""
    SECONDS = "s"
    QUARTERS = "b"
    BARS = " bars"


_UNITS = {
    None: DurationUnit.SAMPLES,
    "s": DurationUnit.SECONDS,
    "sec": DurationUnit.SECONDS,
    "ms": DurationUnit.SECONDS,
    "b": DurationUnit.QUARTERS,
}

MAX_AMOUNT = {
    DurationUnit.SAMPLES: MAX_SAMPLES,
    DurationUnit.SECONDS: MAX_SECONDS,
    DurationUnit.QUARTERS: MAX_BEATS,
    DurationUnit.BARS: MAX_BEATS,
}

# A length is never negative; DAWs write a plus sign in front of one that is added.
WRITTEN = re.compile(r"\s*\+?(\d{1,12}(?:\.\d{1,12})?|\.\d{1,12})\s*(s|sec|ms|b|bars?)?\s*", re.ASCII)


@dataclass(frozen=True)
class Duration:
    """A positive length in one unit; converting it to samples takes a start and a tempo map."""

    amount: Fraction
    unit: DurationUnit

    def __post_init__(self) -> None:
        if self.unit in (DurationUnit.SAMPLES, DurationUnit.BARS) and self.amount.denominator != 1:
            raise ValueError(f"must be a whole number of {self.unit.name.lower()}, got {self.amount}")
        if not 0 < self.amount <= MAX_AMOUNT[self.unit]:
            raise ValueError(
                f"must be more than 0 and at most {MAX_AMOUNT[self.unit]} {self.unit.name.lower()}"
            )

    @classmethod
    def parse(cls, typed: object) -> Duration:
        """Reads FORMS. Raises TypeError unless given a number or text, ValueError for anything but these forms."""
        if isinstance(typed, bool) or not isinstance(typed, (int, str)):
            raise TypeError(f"must be a length such as {FORMS}, got {typed!r}"[:200])
        if isinstance(typed, int):
            return cls(Fraction(typed), DurationUnit.SAMPLES)
        match = WRITTEN.fullmatch(with_points(typed.lower()))
        if not match:
            raise ValueError(f"must be a length such as {FORMS}, got {typed[:60]!r}")
        number, suffix = match.groups()
        amount = Fraction(number)
        if suffix == "ms":  # as exactly as seconds can be written
            amount = Fraction(round(amount * 10**9), 10**12)
        return cls(amount, _UNITS.get(suffix, DurationUnit.BARS))

    def __str__(self) -> str:
        """The inverse of `parse`: "4s", "2.5b", "8 bars"."""
        return to_text(self.amount) + self.unit.value

    def end_after(self, start: int, tempo_map: TempoMap, rate: int) -> int:
        """The end, in samples, of a range of this length that starts at sample `start`."""
        if self.unit is DurationUnit.SAMPLES:
            return start + int(self.amount)
        if self.unit is DurationUnit.SECONDS:
            return start + round(self.amount * rate)
        if self.unit is DurationUnit.QUARTERS:
            return tempo_map.sample_at(tempo_map.quarters_at(start, rate) + self.amount, rate)
        here = tempo_map.bbt_at(start, rate)
        return tempo_map.sample_of(Bbt(here.bar + int(self.amount), here.beat, here.ticks), rate)
