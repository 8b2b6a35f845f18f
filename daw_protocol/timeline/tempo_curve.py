"""The tempo over a whole song: finds the segment that contains a sample or quarter note and asks it.

Knows tempo points and seconds, not bars.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from fractions import Fraction

from daw_protocol.timeline.exact_number import bounded, check_rate, exact
from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_point import TempoPoint
from daw_protocol.timeline.tempo_segment import TempoSegment

_ZERO = Fraction(0)

# A server uses a handful of rates; a caller that sweeps rates must not grow the tables without limit.
_MAX_RATES = 16


class TempoCurve:
    """Ascending `points`, with quarter 0 at `offset` seconds. Segment starts are computed once, here."""

    def __init__(self, points: tuple[TempoPoint, ...], offset: Fraction) -> None:
        first = points[0]
        seconds = bounded(offset + 60 * first.quarter / first.bpm)
        # Before the first point there is a segment too: its tempo, extending back indefinitely.
        self._segments = [TempoSegment(first.quarter, seconds, first.bpm, _ZERO)]
        self._seconds: list[Fraction] = []
        self._quarters = [point.quarter for point in points]
        self._whole_quarters = [math.floor(quarter) for quarter in self._quarters]
        self._first_samples: dict[int, list[int]] = {}
        for point, end in zip(points, (*points[1:], None), strict=True):
            self._seconds.append(seconds)
            self._segments.append(TempoSegment(point.quarter, seconds, point.bpm, _slope(point, end)))
            if end is not None:
                seconds = bounded(seconds + seconds_between(point, end))

    def quarters_at(self, sample: int, rate: int) -> Fraction:
        """Quarters at a sample, exactly."""
        return self._segments[self._index_at(sample, rate)].quarters_at(sample, rate)

    def quarters_at_seconds(self, seconds: Fraction) -> Fraction:
        """Quarters at a time in seconds, exactly; for hosts that count in seconds."""
        # With its own denominator as the rate, any time is a whole sample.
        segment = self._segments[bisect_right(self._seconds, seconds)]
        return segment.quarters_at(seconds.numerator, seconds.denominator)

    def sample_at(self, quarters: Fraction, rate: int) -> int:
        """The sample nearest to a quarter; ties go to the later sample."""
        check_rate(rate)
        quarters = exact("quarters", quarters)
        return self._segments[self._index_of(quarters)].sample_at(quarters, rate)

    def bpm_at(self, sample: int, rate: int) -> Fraction:
        """Tempo at a sample in quarters per minute, exactly."""
        return self._segments[self._index_at(sample, rate)].bpm_at(sample, rate)

    def is_constant_in(self, span: Span, rate: int) -> bool:
        """True if the tempo is the same from the span's first sample to its last."""
        first = self._index_at(span.start, rate)
        last = self._index_at(max(span.start, span.end - 1), rate)
        segments = self._segments[first : last + 1]
        return all(segment.slope == 0 and segment.bpm == segments[0].bpm for segment in segments)

    def _index_of(self, quarters: Fraction) -> int:
        # Comparing fractions is slow, so integers first narrow the search to points within the same quarter.
        whole = quarters.numerator // quarters.denominator
        low = bisect_left(self._whole_quarters, whole)
        high = bisect_right(self._whole_quarters, whole, low)
        return bisect_right(self._quarters, quarters, low, high)

    def _index_at(self, sample: int, rate: int) -> int:
        firsts = self._first_samples.get(rate)
        if firsts is None:
            firsts = self._remember_first_samples(rate)
        if type(sample) is not int:
            raise TypeError(f"sample must be a whole number of samples, got {sample!r}")
        return bisect_right(firsts, sample)

    def _remember_first_samples(self, rate: int) -> list[int]:
        """The first sample of each point at this rate: searching integers is ten times faster than fractions."""
        check_rate(rate)
        if len(self._first_samples) >= _MAX_RATES:
            self._first_samples.clear()
        firsts = [math.ceil(seconds * rate) for seconds in self._seconds]
        self._first_samples[rate] = firsts
        return firsts


def _slope(point: TempoPoint, end: TempoPoint | None) -> Fraction:
    """Change of bpm per second towards the next point; 0 where the tempo holds."""
    if end is None or not point.ramp:
        return _ZERO
    return (end.bpm**2 - point.bpm**2) / (120 * (end.quarter - point.quarter))


def seconds_between(point: TempoPoint, end: TempoPoint) -> Fraction:
    """Seconds from a point to the next one. A ramp linear in time takes as long as the mean of its two tempos."""
    mean = (point.bpm + end.bpm) / 2 if point.ramp else point.bpm
    return 60 * (end.quarter - point.quarter) / mean
