"""One segment of the tempo curve, and the integer arithmetic between its samples and its quarters.

Within a segment the tempo is constant or changes linearly *in time*. Quarters are its integral, so with
x = seconds since the start of the segment they are

    quarters(x) = q0 + b0 * x / 60 + slope * x**2 / 120        b0 in quarters per minute, slope per second

a quadratic with rational coefficients: sample -> quarters is exactly rational. The inverse takes a square root, but
only the nearest sample is needed, and `isqrt` decides floor((A + sqrt(C)) / G) of integers exactly. (A tempo linear in
quarters would need a logarithm, and nothing would be exact.)
"""

from __future__ import annotations

import math
from fractions import Fraction


class TempoSegment:
    """The tempo from `quarter` on, which is `seconds` after the timeline's zero; bpm in quarters per minute.

    `slope` is the change of bpm per second: (b1**2 - b0**2) / (120 * quarters to the next point).
    """

    __slots__ = ("_constant", "_linear", "_scale", "_seconds", "_square", "bpm", "slope")

    def __init__(self, quarter: Fraction, seconds: Fraction, bpm: Fraction, slope: Fraction) -> None:
        self._seconds, self.bpm, self.slope = seconds, bpm, slope
        # quarters(x) = (constant + linear * x + square * x**2) / scale, all integers.
        linear, square = bpm / 60, slope / 120
        self._scale = math.lcm(quarter.denominator, linear.denominator, square.denominator)
        self._constant, self._linear, self._square = (
            value.numerator * (self._scale // value.denominator) for value in (quarter, linear, square)
        )

    def quarters_at(self, sample: int, rate: int) -> Fraction:
        """Quarters at a sample, exactly."""
        # x = sample / rate - seconds = top / bottom
        bottom = rate * self._seconds.denominator
        top = sample * self._seconds.denominator - rate * self._seconds.numerator
        if not self._square:
            return Fraction(self._constant * bottom + self._linear * top, self._scale * bottom)
        above = (self._constant * bottom + self._linear * top) * bottom + self._square * top * top
        return Fraction(above, self._scale * bottom * bottom)

    def sample_at(self, quarter: Fraction, rate: int) -> int:
        """The sample nearest to a quarter, decided exactly; ties go to the later sample."""

        top, bottom = quarter.numerator, quarter.denominator
        # (quarter - q0) * scale = rise / bottom
        rise = top * self._scale - self._constant * bottom
        start, unit = self._seconds.numerator, self._seconds.denominator
        if not self._square:
            # floor(rate * (start/unit + rise / (bottom*linear)) + 1/2)
            per = bottom * self._linear
            return (2 * rate * (start * per + rise * unit) + unit * per) // (2 * unit * per)
        # x = (-linear + sqrt(linear**2 + 4*square*rise/bottom)) / (2*square), for either sign of square
        size = abs(self._square)
        under_root = (self._linear**2 * bottom + 4 * self._square * rise) * bottom
        squared = (rate * unit) ** 2 * under_root
        whole = size * bottom * (2 * rate * start + unit)
        shift = rate * unit * self._linear * bottom
        below = 2 * size * bottom * unit
        if self._square > 0:
            return (whole - shift + math.isqrt(squared)) // below
        # floor(-sqrt(c)) is -ceil(sqrt(c))
        return (whole + shift - _ceil_sqrt(squared)) // below

    def bpm_at(self, sample: int, rate: int) -> Fraction:
        """Tempo at a sample in quarters per minute, exactly."""
        return self.bpm + self.slope * (Fraction(sample, rate) - self._seconds)


def _ceil_sqrt(value: int) -> int:
    return math.isqrt(value - 1) + 1 if value else 0
