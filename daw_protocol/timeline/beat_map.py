"""A tempo map through beats that were found in a recording. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import MAX_POINTS, TempoPoint

TOLERANCE = Fraction(6, 1000)
"""Seconds that a beat may lie off the map: less than two players of a band differ by."""

_MICROSECONDS = 1_000_000


def map_of_beats(
    beats: Sequence[float], meter: Meter, downbeat: float, tolerance: Fraction = TOLERANCE
) -> TempoMap:
    """The map with as few tempos as keep every beat within `tolerance` seconds. Bar 1 begins at the beat nearest to
    `downbeat`.

    beats: seconds of the timeline, ascending, one for each beat of the meter.

    Raises ValueError for fewer than two beats, for beats that do not ascend, and for tempos no map can hold.
    """
    times = [Fraction(round(time * _MICROSECONDS), _MICROSECONDS) for time in beats]
    if len(times) < 2:
        raise ValueError(f"a tempo map takes at least two beats, got {len(times)}")
    if any(later <= earlier for earlier, later in itertools.pairwise(times)):
        raise ValueError("beats must ascend")
    knots = _knots(times, tolerance)
    one = min(range(len(times)), key=lambda index: abs(times[index] - Fraction(downbeat)))
    bars = math.ceil(Fraction(one, meter.numerator))
    before = bars * meter.numerator - one  # beats from the first beat of the first bar to the first one found
    points = []
    for start, end in itertools.pairwise(knots):
        bpm = 60 * (end - start) * meter.quarters_per_beat / (times[end] - times[start])
        points.append(TempoPoint((start + before) * meter.quarters_per_beat, bpm))
    offset = times[0] - 60 * points[0].quarter / points[0].bpm
    return TempoMap(tuple(points), (MeterChange(Fraction(0), meter),), offset, 1 - bars)


def _knots(times: Sequence[Fraction], tolerance: Fraction) -> list[int]:
    """Beats between which time runs evenly, within the tolerance; the first and the last beat among them."""
    knots = [0]
    while knots[-1] < len(times) - 1:
        start, end = knots[-1], knots[-1] + 1
        # The slopes that pass every beat within the tolerance: each further beat narrows them.
        low = high = None
        for index in range(start + 1, len(times)):
            count, passed = index - start, times[index] - times[start]
            slope = passed / count
            if low is not None and high is not None and low <= slope <= high:
                end = index
            elif low is not None and high is not None and (low > high or index > end + 8):
                break
            least, most = (passed - tolerance) / count, (passed + tolerance) / count
            low = least if low is None else max(low, least)
            high = most if high is None else min(high, most)
        knots.append(end)
    if len(knots) > MAX_POINTS:
        raise ValueError(
            f"the tempo changes {len(knots)} times, and a map holds at most {MAX_POINTS} changes"
        )
    return knots
