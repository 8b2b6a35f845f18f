"""The bar grid: meter changes, and the arithmetic between quarters and bar|beat|tick.

Counts in quarter notes from the first beat of the first bar; knows neither tempo nor samples.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from daw_protocol.timeline.bbt import TICKS_PER_QUARTER, Bbt
from daw_protocol.timeline.exact_number import check_coordinate, exact, to_text
from daw_protocol.timeline.meter import Meter

MAX_QUARTERS = 10_000_000

_TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER

# Hosts compute the time of a bar line in floating point. A hundredth of a tick is 5 microseconds at 120 bpm: more than
# their rounding error, less than a sample at 96 kHz.

BAR_LINE_TOLERANCE = Fraction(1, 100 * TICKS_PER_QUARTER)


@dataclass(frozen=True)
class MeterChange:
    """From `quarter` on (in quarter notes after the first beat of the first bar) the meter is `meter`.

    A change must fall on a bar line of the previous meter. For a change in the middle of a bar set `cuts_bar=True`:
    the current bar ends early and a new bar starts at the change, which is also how hosts number it. Without the flag
    the tempo map refuses such a change, because it is usually a mistake.

    Raises TypeError for wrong types, ValueError for a quarter outside 0..10,000,000.
    """

    quarter: Fraction
    meter: Meter
    cuts_bar: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "quarter", exact("quarter", self.quarter))
        check_coordinate("quarter", self.quarter, 0, MAX_QUARTERS)
        if not isinstance(self.meter, Meter):
            raise TypeError(f"meter must be a Meter, got {self.meter!r}")
        if not isinstance(self.cuts_bar, bool):
            raise TypeError(f"cuts_bar must be True or False, got {self.cuts_bar!r}")


COMMON_TIME = MeterChange(Fraction(0), Meter(4, 4))


class BeatPlace(NamedTuple):
    """One beat of the grid: its place in quarters, and its bar and beat number."""

    quarter: Fraction
    bar: int
    beat: int
    meter: Meter


class _Stretch(NamedTuple):
    """Bars of one meter: from `quarter`, where bar `bar` begins, to `end` (None: indefinitely)."""

    quarter: Fraction
    end: Fraction | None
    bar: int
    meter: Meter


class BarGrid:
    """The bars of a song. The first meter extends back indefinitely before quarter 0.

    Raises ValueError if the changes do not start at quarter 0.
    """

    def __init__(self, changes: tuple[MeterChange, ...], first_bar: int) -> None:
        if not changes or changes[0].quarter != 0:
            raise ValueError("meters must start with a time signature at quarter 0")
        self._stretches = tuple(_stretches(changes, first_bar))
        self._quarters = [stretch.quarter for stretch in self._stretches[1:]]
        self._bars = [stretch.bar for stretch in self._stretches[1:]]

    def _stretch_at(self, quarter: Fraction) -> _Stretch:
        return self._stretches[bisect_right(self._quarters, quarter)]

    def _stretch_of_bar(self, bar: int) -> _Stretch:
        return self._stretches[bisect_right(self._bars, bar)]

    def meter_at(self, quarter: Fraction) -> Meter:
        return self._stretch_at(quarter).meter

    def meter_of_bar(self, bar: int) -> Meter:
        return self._stretch_of_bar(bar).meter

    def bar_at(self, quarter: Fraction) -> int:
        """The number of the bar that contains `quarter`; a bar line belongs to the bar it opens."""
        stretch = self._stretch_at(quarter)
        return stretch.bar + (quarter - stretch.quarter) // stretch.meter.quarters_per_bar

    def start_of_bar(self, bar: int) -> Fraction:
        """The quarter at which `bar` begins."""
        stretch = self._stretch_of_bar(bar)
        return stretch.quarter + (bar - stretch.bar) * stretch.meter.quarters_per_bar

    def bbt_of(self, quarter: Fraction) -> Bbt:
        """Bar, beat and exact ticks of a quarter; the inverse of `quarters_of`."""
        stretch = self._stretch_at(quarter)
        meter, start = stretch.meter, stretch.quarter
        # In integers, for speed: beats since the start of the stretch = above / below.
        above = quarter.numerator * start.denominator - start.numerator * quarter.denominator
        below = quarter.denominator * start.denominator * 4
        beats, rest = divmod(above * meter.denominator, below)
        bars, beat = divmod(beats, meter.numerator)
        return Bbt(stretch.bar + bars, beat + 1, Fraction(rest * _TICKS_PER_WHOLE, below * meter.denominator))

    def quarters_of(self, bbt: Bbt) -> Fraction:
        """Quarters after the first beat of the first bar.

        Raises ValueError if the bar has no such beat, or the beat has fewer ticks.
        """
        stretch = self._stretch_of_bar(bbt.bar)
        meter = stretch.meter
        if bbt.beat > meter.numerator:
            raise ValueError(
                f"beat {bbt.beat} does not exist: bar {bbt.bar} has {meter.numerator} beats ({meter})"
            )
        above, below = bbt.ticks.numerator * meter.denominator, bbt.ticks.denominator
        if above >= _TICKS_PER_WHOLE * below:
            limit = _TICKS_PER_WHOLE // meter.denominator
            raise ValueError(f"ticks must be below {limit} in {meter}, got {to_text(bbt.ticks)}")
        beats = (bbt.bar - stretch.bar) * meter.numerator + bbt.beat - 1
        above += beats * _TICKS_PER_WHOLE * below
        quarter = stretch.quarter + Fraction(above, below * meter.denominator * TICKS_PER_QUARTER)
        if stretch.end is not None and quarter >= stretch.end:
            raise ValueError(f"{bbt} does not exist: a time signature change cuts bar {bbt.bar} short")
        return quarter

    def beats_from(self, quarter: Fraction) -> Iterator[BeatPlace]:
        """Every beat from the one that contains `quarter`, without end."""
        bar = self.bar_at(quarter)
        start = self.start_of_bar(bar)
        first = (quarter - start) // self.meter_at(quarter).quarters_per_beat
        while True:
            following = self.start_of_bar(bar + 1)
            meter = self.meter_of_bar(bar)
            for index in range(first, math.ceil((following - start) / meter.quarters_per_beat)):
                yield BeatPlace(start + index * meter.quarters_per_beat, bar, index + 1, meter)
            bar, start, first = bar + 1, following, 0

    def bars_from(self, quarter: Fraction) -> Iterator[BeatPlace]:
        """The first beat of every bar from the one that contains `quarter`, without end."""
        bar = self.bar_at(quarter)
        while True:
            yield BeatPlace(self.start_of_bar(bar), bar, 1, self.meter_of_bar(bar))
            bar += 1


def _stretches(changes: tuple[MeterChange, ...], first_bar: int) -> Iterator[_Stretch]:
    bar = first_bar
    ends: list[Fraction | None] = [change.quarter for change in changes[1:]]
    for change, end in zip(changes, [*ends, None], strict=True):
        yield _Stretch(change.quarter, end, bar, change.meter)
        if end is not None:
            bar += math.ceil((end - change.quarter) / change.meter.quarters_per_bar)


def check_changes(changes: tuple[MeterChange, ...]) -> None:
    """Raises ValueError if changes do not ascend, or one is inside a bar without `cuts_bar`."""
    for index in range(1, len(changes)):
        before, change = changes[index - 1], changes[index]
        bars = (change.quarter - before.quarter) / before.meter.quarters_per_bar
        if bars <= 0:
            raise ValueError(
                f"meters[{index}].quarter {to_text(change.quarter)} must be after meters[{index - 1}]'s"
            )
        if bars.denominator != 1 and not change.cuts_bar:
            raise ValueError(
                f"meters[{index}].quarter {to_text(change.quarter)} is inside a {before.meter} bar; move "
                "it to a bar line, or set cuts_bar to end that bar early"
            )


def on_bar_lines(changes: Iterable[MeterChange]) -> tuple[MeterChange, ...]:
    """Changes moved to a bar line within tolerance; any other change gets `cuts_bar` and ends its bar early.

    A song without a meter at its start begins in 4/4.
    """
    placed: list[MeterChange] = []
    for change in changes:
        if not placed and change.quarter > BAR_LINE_TOLERANCE:
            placed.append(COMMON_TIME)
        placed.append(_on_bar_line(placed[-1], change) if placed else MeterChange(Fraction(0), change.meter))
    return tuple(placed) or (COMMON_TIME,)


def _on_bar_line(before: MeterChange, change: MeterChange) -> MeterChange:
    length = before.meter.quarters_per_bar
    line = before.quarter + round((change.quarter - before.quarter) / length) * length
    if abs(change.quarter - line) < BAR_LINE_TOLERANCE:
        return MeterChange(line, change.meter)
    return MeterChange(change.quarter, change.meter, cuts_bar=True)
