"""Tempo maps as hosts keep them: points and meters given in seconds instead of quarters."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from daw_protocol.timeline.bar_grid import COMMON_TIME, MeterChange
from daw_protocol.timeline.bbt import TICKS_PER_QUARTER
from daw_protocol.timeline.exact_number import bounded, exact_decimal
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_curve import TempoCurve
from daw_protocol.timeline.tempo_point import TempoPoint

Number = Fraction | float | str

# Hosts compute the seconds of a bar line in floating point. A hundredth of a tick is 5 microseconds at
# 120 bpm: more than their rounding, less than a sample at 96 kHz.
BAR_LINE_TOLERANCE = Fraction(1, 100 * TICKS_PER_QUARTER)


def points_from_seconds(
    points: Iterable[tuple[Number, Number, bool]],
) -> tuple[tuple[TempoPoint, ...], Fraction]:
    """Points placed by their quarters, the first at 0, and the seconds at which that one lies.

    Raises ValueError when there is none, or their seconds do not ascend.
    """
    timed = [_timed_point(index, point) for index, point in enumerate(points)]
    if not timed:
        raise ValueError("points must have at least one entry: (seconds, bpm, ramp)")
    quarter = Fraction(0)
    placed = [TempoPoint(quarter, *timed[0][1:])]
    for index in range(1, len(timed)):
        quarter = bounded(quarter + _quarters_between(index, timed[index - 1], timed[index]))
        placed.append(TempoPoint(quarter, *timed[index][1:]))
    return tuple(placed), timed[0][0]


def changes_from_seconds(
    meters: Iterable[MeterChange | tuple[Number, Meter]], curve: TempoCurve
) -> tuple[MeterChange, ...]:
    """Meter changes given by their seconds (or quarters), placed on the bar lines of the curve's song."""
    return on_bar_lines(
        entry if isinstance(entry, MeterChange) else _change_at_seconds(curve, index, *entry)
        for index, entry in enumerate(meters)
    )


def _timed_point(index: int, point: tuple[Number, Number, bool]) -> tuple[Fraction, Fraction, bool]:
    seconds, bpm, ramp = point
    return (
        exact_decimal(f"points[{index}] seconds", seconds),
        exact_decimal(f"points[{index}] bpm", bpm),
        ramp,
    )


def _quarters_between(
    index: int, point: tuple[Fraction, Fraction, bool], end: tuple[Fraction, Fraction, bool]
) -> Fraction:
    seconds = end[0] - point[0]
    if seconds <= 0:
        raise ValueError(f"points[{index}] seconds must lie after points[{index - 1}]'s")
    # A ramp linear in time passes its quarters at the mean of its two tempos.
    mean = (point[1] + end[1]) / 2 if point[2] else point[1]
    return seconds * mean / 60


def _change_at_seconds(curve: TempoCurve, index: int, seconds: Number, meter: Meter) -> MeterChange:
    moment = exact_decimal(f"meters[{index}] seconds", seconds)
    return MeterChange(bounded(curve.quarters_at_seconds(moment)), meter)


def on_bar_lines(changes: Iterable[MeterChange]) -> tuple[MeterChange, ...]:
    """Changes put on the bar line they nearly hit; those that lie inside a bar marked to end it early.

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
