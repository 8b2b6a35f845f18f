"""A tempo map as project files have it: it begins at the timeline's zero, on a bar line. Pure.

Ours may begin anywhere: the first beat of its first bar lies `offset` seconds after zero, or before it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from daw_protocol.timeline import Bbt, Meter, MeterChange, TempoMap, TempoPoint
from daw_protocol.timeline.tempo_curve import seconds_between
from daw_protocol.timeline.tempo_point import MAX_BPM, MIN_BPM

NANOSECONDS = 1_000_000_000
"""The rate at which bar lines inside ramps, whose times are irrational, are placed."""

_SHORTEST = 32  # note value: the shortest beat a lead-in bar may have


class FromZero(NamedTuple):
    """The map, and the meter of its lead-in bar; None where zero is a bar line."""

    tempo_map: TempoMap
    lead_in: Meter | None


def from_zero(tempo_map: TempoMap) -> FromZero:
    """The same tempos and bar lines from the timeline's zero on, counted from there.

    Where zero is inside a bar, the rest of that bar becomes a lead-in bar of whole beats, at one tempo
    that ends it exactly on the next bar line: sequencers agree on whole bars, not on cut ones.
    """
    start = tempo_map.quarters_at(0, NANOSECONDS)
    bar = tempo_map.bar_at(start)
    if tempo_map.quarters_of(Bbt(bar)) == start:
        return FromZero(_shifted(tempo_map, start, Fraction(0), (), bar), None)
    line = tempo_map.quarters_of(Bbt(bar + 1))
    meter, bpm = _lead_in(line - start, seconds_of(tempo_map, line))
    while bpm > MAX_BPM:  # hardly anything is left of the bar: one more makes room
        bar += 1
        line = tempo_map.quarters_of(Bbt(bar + 1))
        meter, bpm = _lead_in(line - start, seconds_of(tempo_map, line))
    length = meter.quarters_per_bar
    head = (TempoPoint(Fraction(0), bpm),)
    return FromZero(_shifted(tempo_map, line, length, head, bar, meter), meter)


def seconds_of(tempo_map: TempoMap, quarter: Fraction) -> Fraction:
    """Seconds from zero to a quarter: exact where a tempo holds, right to half a nanosecond inside ramps."""
    points = tempo_map.points
    last = max((index for index, point in enumerate(points) if point.quarter <= quarter), default=0)
    if quarter > points[last].quarter and points[last].ramp and last + 1 < len(points):
        return Fraction(tempo_map.sample_at(quarter, NANOSECONDS), NANOSECONDS)
    return point_seconds(tempo_map)[last] + 60 * (quarter - points[last].quarter) / points[last].bpm


def point_seconds(tempo_map: TempoMap) -> tuple[Fraction, ...]:
    """Seconds from the timeline's zero to each tempo point, exactly."""
    found = [tempo_map.offset + 60 * tempo_map.points[0].quarter / tempo_map.points[0].bpm]
    for point, end in zip(tempo_map.points, tempo_map.points[1:], strict=False):
        found.append(found[-1] + seconds_between(point, end))
    return tuple(found)


def _lead_in(quarters: Fraction, seconds: Fraction) -> tuple[Meter, Fraction]:
    """A bar nearly as long as `quarters`, and the tempo at which it lasts exactly `seconds`."""
    unit = 4
    while quarters * unit / 4 < Fraction(1, 2) and unit < _SHORTEST:
        unit *= 2
    beats = max(1, math.ceil(quarters * unit / 4 - Fraction(1, 2)))
    bpm = Meter(beats, unit).quarters_per_bar * 60 / seconds
    if bpm > MAX_BPM and beats > 1:
        beats -= 1
    elif bpm < MIN_BPM:
        beats += 1
    meter = Meter(beats, unit)
    return meter, meter.quarters_per_bar * 60 / seconds


def _shifted(
    tempo_map: TempoMap,
    origin: Fraction,
    by: Fraction,
    head: tuple[TempoPoint, ...],
    bar: int,
    lead_in: Meter | None = None,
) -> TempoMap:
    """The map from quarter `origin` on, which becomes quarter `by`; `head` and `lead_in` come before it."""
    points = list(head)
    if all(point.quarter != origin for point in tempo_map.points):
        sample = tempo_map.sample_at(origin, NANOSECONDS)
        points.append(TempoPoint(by, tempo_map.tempo_at(sample, NANOSECONDS), _ramps_at(tempo_map, origin)))
    points += [
        TempoPoint(point.quarter - origin + by, point.bpm, point.ramp)
        for point in tempo_map.points
        if point.quarter >= origin
    ]
    meters = [] if lead_in is None else [MeterChange(Fraction(0), lead_in)]
    if all(change.quarter != origin for change in tempo_map.meters):
        meters.append(MeterChange(by, tempo_map.meter_at(origin)))
    meters += [
        MeterChange(change.quarter - origin + by, change.meter, change.cuts_bar and change.quarter > origin)
        for change in tempo_map.meters
        if change.quarter >= origin
    ]
    return TempoMap(tuple(points), tuple(meters), Fraction(0), bar)


def _ramps_at(tempo_map: TempoMap, quarter: Fraction) -> bool:
    before = [point for point in tempo_map.points if point.quarter < quarter]
    return bool(before) and before[-1].ramp
