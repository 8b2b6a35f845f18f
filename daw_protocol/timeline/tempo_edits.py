"""What a producer does to a tempo that was found: double it, halve it, move bar 1, tap it. Pure.

All edits keep the music where it is: only what counts as a beat, or as bar 1, changes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from daw_protocol.timeline.bar_grid import COMMON_TIME, MeterChange, on_bar_lines
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_curve import TempoCurve
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint

NANOSECONDS = 1_000_000_000
"""The rate at which places inside ramps, whose times are irrational, are found."""

LEAST_TAPS = 2
MAX_BAR_ONE_SECONDS = 86_400


def multiplied(tempo_map: TempoMap, factor: Fraction) -> TempoMap:
    """The same music counted `factor` times as fast: 2 doubles the tempo, 1/2 halves it. Bar 1 stays where it is.

    Raises ValueError for a factor that is not above 0, and where a tempo leaves what maps can hold.
    """
    if factor <= 0:
        raise ValueError(f"a tempo can be multiplied by numbers above 0, got {factor}")
    origin = _bar_one(tempo_map)
    at_one = _moved(tempo_map, origin)
    points = tuple(
        TempoPoint(point.quarter * factor, point.bpm * factor, point.ramp) for point in at_one.points
    )
    meters = on_bar_lines(MeterChange(change.quarter * factor, change.meter) for change in at_one.meters)
    return TempoMap(points, meters, at_one.offset, at_one.first_bar)


def bar_one_at(tempo_map: TempoMap, seconds: Fraction) -> TempoMap:
    """The map with the downbeat of bar 1 at this time of the timeline. Raises ValueError beyond a day."""
    if abs(seconds) > MAX_BAR_ONE_SECONDS:
        raise ValueError(f"bar 1 must begin within a day, got {float(seconds):g} s")
    curve = TempoCurve(tempo_map.points, tempo_map.offset)
    return _with_bar_one(tempo_map, curve.quarters_at_seconds(seconds), seconds)


def shifted(tempo_map: TempoMap, beats: int) -> TempoMap:
    """The map with bar 1 so many beats later (negative: earlier); beats are those of the meter of bar 1."""
    origin = _bar_one(tempo_map)
    return _with_bar_one(tempo_map, origin + beats * tempo_map.meter_at(origin).quarters_per_beat)


def with_meter(tempo_map: TempoMap, meter: Meter) -> TempoMap:
    """The map in one meter throughout, with bar 1 where it is."""
    origin = _bar_one(tempo_map)
    found = _moved(tempo_map, origin) if origin else tempo_map
    return replace(found, meters=(MeterChange(Fraction(0), meter),))


def at_bpm(tempo_map: TempoMap, bpm: Fraction) -> TempoMap:
    """One tempo throughout, with bar 1 and its meter where they are."""
    origin = _bar_one(tempo_map)
    meter = MeterChange(Fraction(0), tempo_map.meter_at(origin))
    return TempoMap((TempoPoint(Fraction(0), bpm),), (meter,), _seconds_at(tempo_map, origin))


def tapped(seconds: Sequence[float], meter: Meter = COMMON_TIME.meter) -> TempoMap:
    """One tempo through taps on beats, by least squares, with bar 1 at the first tap. A missed beat may be missing.

    Raises ValueError for fewer than two taps, or taps that do not ascend.
    """
    if len(seconds) < LEAST_TAPS:
        raise ValueError(f"a tempo takes at least {LEAST_TAPS} taps, got {len(seconds)}")
    gaps = [later - earlier for earlier, later in itertools.pairwise(seconds)]
    if min(gaps) <= 0:
        raise ValueError("taps must be in the order of their times")
    usual = sorted(gaps)[len(gaps) // 2]
    counts = [0]
    for gap in gaps:
        counts.append(counts[-1] + max(round(gap / usual), 1))
    mean_count, mean_time = sum(counts) / len(counts), sum(seconds) / len(seconds)
    spread = sum((count - mean_count) ** 2 for count in counts)
    beat = (
        sum((n - mean_count) * (time - mean_time) for n, time in zip(counts, seconds, strict=True)) / spread
    )
    per_beat = meter.quarters_per_beat
    first = mean_time - mean_count * beat
    bpm = Fraction(round(60_000 / beat), 1000) * per_beat
    return TempoMap((TempoPoint(Fraction(0), bpm),), (MeterChange(Fraction(0), meter),), _decimal(first))


def later_by(tempo_map: TempoMap, seconds: Fraction) -> TempoMap:
    """The whole map moved along the timeline, as its song is."""
    return replace(tempo_map, offset=tempo_map.offset + seconds)


def bar_one_seconds(tempo_map: TempoMap) -> Fraction:
    """When bar 1 begins, in seconds of the timeline."""
    return _seconds_at(tempo_map, _bar_one(tempo_map))


def _bar_one(tempo_map: TempoMap) -> Fraction:
    return tempo_map.quarters_of(Bbt(1))


def _with_bar_one(tempo_map: TempoMap, quarter: Fraction, seconds: Fraction | None = None) -> TempoMap:
    """Bar 1 at a quarter. Tempos before it stay: whole bars are counted back to before the first of them."""
    moved = _moved(tempo_map, quarter, seconds)
    earliest = tempo_map.points[0].quarter - quarter
    if earliest >= 0 or len(tempo_map.points) == 1:
        return moved
    meter = moved.meters[0].meter
    bars = math.ceil(-earliest / meter.quarters_per_bar)
    back = bars * meter.quarters_per_bar
    points = tuple(
        TempoPoint(point.quarter - quarter + back, point.bpm, point.ramp) for point in tempo_map.points
    )
    meters = (
        MeterChange(Fraction(0), meter),
        *(replace(change, quarter=change.quarter + back) for change in moved.meters[1:]),
    )
    first = points[0]
    offset = _point_seconds(tempo_map) - 60 * first.quarter / first.bpm
    return TempoMap(points, meters, offset, 1 - bars)


def _moved(tempo_map: TempoMap, origin: Fraction, seconds: Fraction | None = None) -> TempoMap:
    """The map from quarter `origin` on, which becomes the first beat of bar 1; the tempo there extends back."""
    offset = _seconds_at(tempo_map, origin) if seconds is None else seconds
    sample = tempo_map.sample_at(origin, NANOSECONDS)
    points = [
        TempoPoint(point.quarter - origin, point.bpm, point.ramp)
        for point in tempo_map.points
        if point.quarter >= origin
    ]
    if not points or points[0].quarter > 0:
        before = [point for point in tempo_map.points if point.quarter < origin]
        ramps = bool(before and before[-1].ramp and points)
        bpm = tempo_map.tempo_at(sample, NANOSECONDS)
        points.insert(0, TempoPoint(Fraction(0), bpm, ramps))
    meters = [MeterChange(Fraction(0), tempo_map.meter_at(origin))]
    for change in tempo_map.meters:
        # The meter of bar 1 goes on where the map said it once more: bars are counted from bar 1 now.
        if change.quarter > origin and (change.cuts_bar or change.meter != meters[-1].meter):
            meters.append(replace(change, quarter=change.quarter - origin))
    return TempoMap(tuple(points), on_bar_lines(meters), offset)


def _point_seconds(tempo_map: TempoMap) -> Fraction:
    """When the first tempo point is, exactly."""
    first = tempo_map.points[0]
    return tempo_map.offset + 60 * first.quarter / first.bpm


def _seconds_at(tempo_map: TempoMap, quarter: Fraction) -> Fraction:
    """Seconds of a quarter: exact before the second tempo point, right to half a nanosecond after it."""
    first = tempo_map.points[0]
    if len(tempo_map.points) == 1 or quarter <= first.quarter:
        return tempo_map.offset + 60 * quarter / first.bpm
    return Fraction(tempo_map.sample_at(quarter, NANOSECONDS), NANOSECONDS)


def _decimal(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1_000_000), 1_000_000)
