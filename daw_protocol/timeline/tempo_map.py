"""The tempo map: the one place that converts between samples, quarters and bars, exactly.

A sample is an integer on the project's timeline; quarters are a Fraction counted from the first beat of the first
bar. Only `sample_at` rounds (to the nearest sample), and `bbt_at` and `snap` when given a grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from daw_protocol.timeline.bar_grid import COMMON_TIME, BarGrid, BeatPlace, MeterChange, check_changes
from daw_protocol.timeline.bbt import MAX_BAR, TICKS_PER_QUARTER, Bbt
from daw_protocol.timeline.exact_number import (
    check_coordinate,
    check_int,
    check_range,
    check_rate,
    exact,
    exact_decimal,
    to_text,
)
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_curve import TempoCurve
from daw_protocol.timeline.tempo_json import (
    changes_from_json,
    changes_to_json,
    integer_from_json,
    json_object,
    number_from_json,
    number_to_json,
    points_from_json,
    points_to_json,
)
from daw_protocol.timeline.tempo_point import MAX_POINTS, TempoPoint

MAX_OFFSET_SECONDS = 1_000_000
# Fourteen hours at 120 bpm; a longer span is a mistake and would fill the memory with beats.
MAX_LISTED_QUARTERS = 100_000

ZERO = Fraction(0)


@dataclass(frozen=True)
class Beat:
    """A beat in a span: its nearest sample, bar and beat number, and the meter and tempo (quarters/min) there."""

    sample: int
    bar: int
    beat: int
    meter: Meter
    bpm: Fraction


@dataclass(frozen=True)
class TempoMap:
    """Tempo points and meter changes, both counted in quarters from the first beat of bar `first_bar`.

    That beat is `offset` seconds after the timeline's sample 0 (may be negative). The first tempo and the first meter
    extend back indefinitely before it; bar numbers count down there.

    Raises TypeError for wrong types; ValueError without any point, for more than 10,000 points or meters, for points
    or meters that do not ascend, a first meter not at quarter 0, or a meter inside a bar without `cuts_bar`.
    """

    points: tuple[TempoPoint, ...]
    meters: tuple[MeterChange, ...] = (COMMON_TIME,)
    offset: Fraction = ZERO
    first_bar: int = 1

    def __post_init__(self) -> None:
        _check_members("points", self.points, TempoPoint)
        _check_members("meters", self.meters, MeterChange)
        object.__setattr__(self, "offset", exact("offset", self.offset))
        check_coordinate("offset", self.offset, -MAX_OFFSET_SECONDS, MAX_OFFSET_SECONDS)
        check_int("first_bar", self.first_bar, -MAX_BAR, MAX_BAR)
        for index in range(1, len(self.points)):
            if self.points[index].quarter <= self.points[index - 1].quarter:
                raise ValueError(
                    f"points[{index}].quarter {to_text(self.points[index].quarter)} must be after "
                    f"points[{index - 1}]'s"
                )
        if self.meters[0].quarter != 0:
            raise ValueError(
                "meters[0].quarter must be 0: the first time signature starts with the first bar"
            )
        check_changes(self.meters)

    # Building one

    @classmethod
    def constant(
        cls,
        bpm: Fraction | float | str,
        meter: Meter = COMMON_TIME.meter,
        offset: Fraction | float | str = 0,
        first_bar: int = 1,
    ) -> TempoMap:
        """One tempo (quarters per minute) and one meter. A float is read as the decimal it prints."""
        point = TempoPoint(ZERO, exact_decimal("bpm", bpm))
        return cls((point,), (MeterChange(ZERO, meter),), exact_decimal("offset", offset), first_bar)

    def to_json(self) -> dict[str, object]:
        """JSON values, the inverse of `from_json`; fractions are ints or "num/den" text."""
        return {
            "points": points_to_json(self.points),
            "meters": changes_to_json(self.meters),
            "offset": number_to_json(self.offset),
            "first_bar": self.first_bar,
        }

    @classmethod
    def from_json(cls, value: object) -> TempoMap:
        """The map written by `to_json`; numbers may also be decimals, and only `points` is required.

        Raises ValueError, naming the field, for anything that is not such a map.
        """
        fields = json_object("tempo map", value, {"points"}, {"meters", "offset", "first_bar"})
        return cls(
            points_from_json(fields["points"]),
            changes_from_json(fields["meters"]) if "meters" in fields else (COMMON_TIME,),
            number_from_json("offset", fields.get("offset", 0)),
            integer_from_json("first_bar", fields.get("first_bar", 1)),
        )

    # Tempo

    @cached_property
    def _curve(self) -> TempoCurve:
        return TempoCurve(self.points, self.offset)

    def quarters_at(self, sample: int, rate: int) -> Fraction:
        """Quarters from the first beat of the first bar to a sample, exactly; negative before it."""
        return self._curve.quarters_at(sample, rate)

    def sample_at(self, quarters: Fraction, rate: int) -> int:
        """The sample nearest to a quarter, decided exactly; ties go to the later sample."""
        return self._curve.sample_at(quarters, rate)

    def tempo_at(self, sample: int, rate: int) -> Fraction:
        """Tempo in quarters per minute at a sample."""
        return self._curve.bpm_at(sample, rate)

    def seconds_at(self, sample: int, rate: int) -> Fraction:
        """Seconds from the timeline's zero to a sample."""
        check_rate(rate)
        return Fraction(sample, rate)

    def is_constant_in(self, span: Span, rate: int) -> bool:
        """True if the tempo does not change inside the span. The meter may."""
        return self._curve.is_constant_in(span, rate)

    # Bars

    @cached_property
    def _grid(self) -> BarGrid:
        return BarGrid(self.meters, self.first_bar)

    def meter_at(self, quarters: Fraction) -> Meter:
        """The meter at a quarter."""
        return self._grid.meter_at(exact("quarters", quarters))

    def bar_at(self, quarters: Fraction) -> int:
        """The number of the bar that contains a quarter; a bar line belongs to the bar it opens."""
        return self._grid.bar_at(exact("quarters", quarters))

    def quarters_of_bar(self, bar: int) -> Fraction:
        """The quarter at which a bar begins."""
        return self._grid.start_of_bar(bar)

    def bbt_at(self, sample: int, rate: int, grid_ticks: Fraction | int | None = None) -> Bbt:
        """Bar, beat and ticks at a sample.

        Exact, so a bar line between two samples reads "16|4|959.98" and `sample_of` returns the same sample.
        For display pass `grid_ticks` to round to multiples from the bar's start (1 for whole ticks).
        """
        quarters = self.quarters_at(sample, rate)
        if grid_ticks is None:
            return self._grid.bbt_of(quarters)
        return self._grid.bbt_of(self._rounded(quarters, exact("grid_ticks", grid_ticks) / TICKS_PER_QUARTER))

    def quarters_of(self, bbt: Bbt) -> Fraction:
        """Quarters from the first beat of the first bar. Raises ValueError if the bar has no such beat."""
        return self._grid.quarters_of(bbt)

    def sample_of(self, bbt: Bbt, rate: int) -> int:
        """The sample nearest to a bar position. Raises ValueError if the bar has no such beat."""
        return self.sample_at(self.quarters_of(bbt), rate)

    def beats_between(self, span: Span, rate: int) -> list[Beat]:
        """Every beat (of the meter's denominator) whose sample is in the span, in order.

        Raises ValueError for spans of more than 100,000 quarters.
        """
        return list(self._in_span(self._grid.beats_from(self._first_quarter(span, rate)), span, rate))

    def bars_between(self, span: Span, rate: int) -> list[Beat]:
        """The first beat of every bar whose sample is in the span, in order.

        Raises ValueError for spans of more than 100,000 quarters.
        """
        return list(self._in_span(self._grid.bars_from(self._first_quarter(span, rate)), span, rate))

    def _first_quarter(self, span: Span, rate: int) -> Fraction:
        first = self.quarters_at(span.start, rate)
        quarters = self.quarters_at(span.end, rate) - first
        if quarters > MAX_LISTED_QUARTERS:
            raise ValueError(
                f"the span has {int(quarters)} quarter notes; beats and bars are listed for at most "
                f"{MAX_LISTED_QUARTERS}"
            )
        return first

    def _in_span(self, places: Iterator[BeatPlace], span: Span, rate: int) -> Iterator[Beat]:
        for place in places:
            sample = self.sample_at(place.quarter, rate)
            if sample >= span.end:
                return
            if sample >= span.start:
                yield Beat(sample, place.bar, place.beat, place.meter, self.tempo_at(sample, rate))

    def snap(self, sample: int, rate: int, unit: str | Fraction = "beat") -> int:
        """The sample of the nearest "bar", "beat" or multiple of a Fraction of a quarter.

        Fractions count from the bar's start. Distance is measured in samples; ties go to the later one.
        Raises ValueError for any other unit.
        """
        before, after = self._neighbours(self.quarters_at(sample, rate), unit)
        low, high = self.sample_at(before, rate), self.sample_at(after, rate)
        return low if sample - low < high - sample else high

    def _neighbours(self, quarters: Fraction, unit: str | Fraction) -> tuple[Fraction, Fraction]:
        """The grid lines at or before a quarter and after it; bar lines are always grid lines."""
        bar = self._grid.bar_at(quarters)
        start, end = self._grid.start_of_bar(bar), self._grid.start_of_bar(bar + 1)
        if unit == "bar":
            return start, end
        step = self._grid.meter_of_bar(bar).quarters_per_beat if unit == "beat" else _step(unit)
        before = start + (quarters - start) // step * step
        return before, min(before + step, end)

    def _rounded(self, quarters: Fraction, step: Fraction) -> Fraction:
        before, after = self._neighbours(quarters, step)
        return before if quarters - before < after - quarters else after


def _step(unit: object) -> Fraction:
    if isinstance(unit, str):
        raise ValueError(f'unit must be "bar", "beat" or a Fraction of a quarter, got {unit[:40]!r}')
    step = exact("unit", unit)
    check_range("unit", step, Fraction(1, 1_000_000), 1_000_000)
    return step


def _check_members(field: str, members: Sequence[object], kind: type) -> None:
    if not isinstance(members, tuple) or not all(isinstance(member, kind) for member in members):
        raise TypeError(f"{field} must be a tuple of {kind.__name__}")
    if not 1 <= len(members) <= MAX_POINTS:
        raise ValueError(f"{field} must have between 1 and {MAX_POINTS} entries, got {len(members)}")
