"""A position as a producer or script typed it, before the tempo map converts it to a sample.

Each kind keeps what was typed, so that it can be shown unchanged; `resolve` converts it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.bar_grid import MAX_QUARTERS
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.exact_number import (
    check_int,
    check_range,
    exact,
    from_text,
    nearest_sample,
    to_text,
)
from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.timecode import AtTimecode
from daw_protocol.timeline.written_number import plain, with_points

# About two months at 192 kHz: a larger number is a mistake, not a place in a song.
MAX_SAMPLE = 2**40
MAX_SECONDS = 1_000_000

# Floats mostly come from OSC, where they have 32 bits and skip every other sample from here on. Refusing a position
# is better than silently moving it.
_MAX_FLOAT_SAMPLE = 2**24

FORMS = (
    'write samples ("384000"), seconds ("12.5s", "250ms"), minutes ("1:02.5"), quarter notes from the '
    'first bar ("64b"), a bar ("17|1|0", "bar 17") or timecode ("00:01:02:12@25")'
)


@dataclass(frozen=True)
class AtSample:
    """A sample of the timeline at the project rate; may be negative. Raises TypeError, ValueError."""

    sample: int

    def __post_init__(self) -> None:
        check_int("sample", self.sample, -MAX_SAMPLE, MAX_SAMPLE)

    def resolve(self, tempo_map: TempoMap, rate: int) -> int:  # noqa: ARG002 - all positions share this signature
        """The sample itself."""
        return self.sample


@dataclass(frozen=True)
class AtSeconds:
    """Seconds from the timeline's zero, up to a million either way. Raises TypeError, ValueError."""

    seconds: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", exact("seconds", self.seconds))
        check_range("seconds", self.seconds, -MAX_SECONDS, MAX_SECONDS)

    def resolve(self, tempo_map: TempoMap, rate: int) -> int:  # noqa: ARG002 - all positions share this signature
        """The nearest sample; ties go to the later one."""
        return nearest_sample(self.seconds, rate)


@dataclass(frozen=True)
class AtQuarters:
    """Quarter notes from the start of the ruler: the first beat of the map's first bar is 0.

    They are quarter notes whatever the meter: "64b" in 7/8 is 128 of its beats. Raises TypeError, ValueError.
    """

    quarters: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "quarters", exact("quarters", self.quarters))
        check_range("quarters", self.quarters, -MAX_QUARTERS, MAX_QUARTERS)

    def resolve(self, tempo_map: TempoMap, rate: int) -> int:
        """The nearest sample; ties go to the later one."""
        return tempo_map.sample_at(self.quarters, rate)


@dataclass(frozen=True)
class AtBbt:
    """Bar, beat and ticks on the host's ruler. Raises TypeError."""

    bbt: Bbt

    def __post_init__(self) -> None:
        if not isinstance(self.bbt, Bbt):
            raise TypeError(f"bbt must be a Bbt, got {self.bbt!r}")

    def resolve(self, tempo_map: TempoMap, rate: int) -> int:
        """The nearest sample. Raises ValueError if the bar has no such beat."""
        return tempo_map.sample_of(self.bbt, rate)


Position = AtSample | AtSeconds | AtQuarters | AtBbt | AtTimecode


_NUMBER = r"([+-]?[\d.]+(?:/\d+)?)"
_SAMPLES = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_SECONDS = re.compile(_NUMBER + r"\s*(s|sec|ms)", re.ASCII)
_QUARTERS = re.compile(_NUMBER + r"\s*b", re.ASCII)
_CLOCK = re.compile(r"([+-]?)(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:\.\d*)?)", re.ASCII)
_BAR = re.compile(r"bar\s*([+-]?\d{1,8})(?:\.0+)?", re.ASCII)


def parse_position(value: int | float | str) -> Position:
    """The position written as a number or text; see FORMS for what is accepted.

    A bare number is samples, also as text; a float must be whole and at most 2**24 (some control surfaces send only
    floats). "64b" counts quarter notes. "17" is sample 17; bar 17 is "bar 17" or "17|1".
    Raises TypeError for other types, ValueError that explains what was wrong and what is accepted.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"a position must be a number or text, got {value!r}")
    try:
        return _from_text(value) if isinstance(value, str) else AtSample(_whole(value))
    except ValueError as error:
        raise ValueError(f"position {str(value)[:40]!r}: {error}; {FORMS}") from error


def _whole(value: int | float) -> int:
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        raise ValueError("a number of samples must be finite")
    if not value.is_integer():
        raise ValueError(f'a number of samples must be whole (for seconds write "{value}s")')
    if _MAX_FLOAT_SAMPLE < abs(value) <= MAX_SAMPLE:
        raise ValueError(
            f'a float this large cannot distinguish neighbouring samples; send an integer or "{int(value)}"'
        )
    return int(value)


def _from_text(text: str) -> Position:
    typed = with_points(text.strip().lower())
    if "|" in typed:
        return AtBbt(Bbt.parse(typed))
    if "@" in typed:
        return AtTimecode.parse(typed)
    if _SAMPLES.fullmatch(typed):
        return AtSample(int(typed))
    if match := _SECONDS.fullmatch(typed):
        return AtSeconds(from_text("seconds", match[1]) / (1000 if match[2] == "ms" else 1))
    if match := _QUARTERS.fullmatch(typed):
        return AtQuarters(from_text("quarters", match[1]))
    if match := _BAR.fullmatch(typed):
        return AtBbt(Bbt(int(match[1])))
    if match := _CLOCK.fullmatch(typed):
        return AtSeconds(_clock_seconds(*match.groups()))
    raise ValueError(_likely_mistake(typed))


def _clock_seconds(sign: str, hours: str | None, minutes: str, seconds: str) -> Fraction:
    rest = from_text("seconds", seconds)
    if rest >= 60:
        raise ValueError(f"seconds after a colon must be below 60, got {seconds}")
    if hours and int(minutes) >= 60:
        raise ValueError(f"minutes after a colon must be below 60, got {minutes}")
    total = 3600 * int(hours or 0) + 60 * int(minutes) + rest
    return -total if sign == "-" else total


def _likely_mistake(typed: str) -> str:
    """The likeliest mistake, in words."""
    if not typed:
        return "it is empty"
    if re.fullmatch(r"[+-]?\d*\.\d*", typed):
        return f'a bare decimal may mean seconds or bars (for seconds write "{typed}s")'
    if typed.count(":") == 3:
        return 'timecode needs its frame rate (as in "00:01:02:12@25")'
    if "nan" in typed or "inf" in typed:
        return "a position must be finite"
    return "it is not in an accepted form"


def format_position(position: Position) -> str:
    """The position as text, the inverse of `parse_position`. Raises TypeError for anything else."""
    match position:
        case AtSample():
            return str(position.sample)
        case AtSeconds():
            return f"{to_text(position.seconds)}s"
        case AtQuarters():
            return f"{to_text(position.quarters)}b"
        case AtBbt():
            return str(position.bbt)
        case AtTimecode():
            return str(position)
    raise TypeError(f"not a position: {position!r}")


BARS_LOOK = 'bars must look like "17-20" (the last one included) or "17", in whole numbers'

# ".0": Lua writes 17.0 where a control surface sends its numbers as floats.
_BARS = re.compile(
    r"\s*(?:bars?\s*)?([+-]?\d{1,8})(?:\.0*)?(?:\s*(?:-|to)\s*([+-]?\d{1,8})(?:\.0*)?)?\s*",
    re.ASCII | re.IGNORECASE,
)


def parse_bars(text: str, tempo_map: TempoMap, rate: int) -> Span:
    """The samples of whole bars: "17-20" runs from the start of bar 17 to the *end* of bar 20, "17" is that bar.

    Raises TypeError unless given text, ValueError if it is not a range of bars or runs backwards.
    """
    if not isinstance(text, str):
        raise TypeError(f'bars must be text such as "17-20", got {text!r}')
    match = _BARS.fullmatch(plain(text))
    if match is None:
        raise ValueError(f"{BARS_LOOK}, got {text[:40]!r}")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if last < first:
        raise ValueError(f"bars {text.strip()!r}: the last bar must not be before the first")
    return Span(tempo_map.sample_of(Bbt(first), rate), tempo_map.sample_of(Bbt(last + 1), rate))
