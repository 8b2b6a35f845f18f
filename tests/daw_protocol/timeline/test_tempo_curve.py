from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_curve import TempoCurve, seconds_between
from daw_protocol.timeline.tempo_point import TempoPoint


def crowded() -> TempoCurve:
    """Eleven points inside two quarters, and then one far away: lookups must tell neighbours apart."""
    near = [TempoPoint(Fraction(i, 5), Fraction(100 + 10 * i), ramp=i % 2 == 0) for i in range(11)]
    return TempoCurve((*near, TempoPoint(Fraction(500), Fraction(60))), Fraction(1, 4))


CURVE = crowded()


@settings(max_examples=60)
@given(st.integers(-50_000, 400_000))
def test_neighbours_inside_one_quarter_are_distinguished(sample: int) -> None:
    assert CURVE.sample_at(CURVE.quarters_at(sample, 44100), 44100) == sample


@pytest.mark.parametrize("index", range(11))
def test_each_point_holds_from_its_own_quarter_on(index: int) -> None:
    sample = CURVE.sample_at(Fraction(index, 5), 10**9)
    assert CURVE.bpm_at(sample + 1, 10**9) == pytest.approx(100 + 10 * index, abs=1e-5)


@settings(max_examples=60)
@given(st.integers(-(10**6), 10**8), st.sampled_from([1, 44100, 48000, 10**9]))
def test_a_time_and_its_sample_are_at_the_same_quarter(sample: int, rate: int) -> None:
    assert CURVE.quarters_at_seconds(Fraction(sample, rate)) == CURVE.quarters_at(sample, rate)


def test_seconds_between_points_by_hand() -> None:
    # Three quarters: 60 to 120 bpm at a mean of 90 take 2 s, a steady 60 takes 3 s.
    start, end = TempoPoint(Fraction(1), Fraction(60)), TempoPoint(Fraction(4), Fraction(120))
    assert seconds_between(start, end) == 3
    assert seconds_between(TempoPoint(start.quarter, start.bpm, ramp=True), end) == 2


def test_the_first_tempo_reaches_back_before_the_first_point() -> None:
    # 120 bpm from quarter 3 on, also before it: quarter 0 is at the offset of 1/2 s, quarter -1 at 0.
    curve = TempoCurve(
        (TempoPoint(Fraction(3), Fraction(120), ramp=True), TempoPoint(Fraction(9), Fraction(60))),
        Fraction(1, 2),
    )
    assert curve.sample_at(Fraction(0), 48000) == 24000
    assert curve.quarters_at(0, 48000) == -1
    assert curve.bpm_at(95999, 48000) == 120
    assert curve.bpm_at(96001, 48000) < 120
    assert curve.is_constant_in(Span(-10, 96000), 48000)
    assert not curve.is_constant_in(Span(-10, 96001), 48000)
