from __future__ import annotations

from fractions import Fraction

import pytest

from daw_protocol.timeline.tempo_point import TempoPoint


def test_ints_become_fractions() -> None:
    point = TempoPoint(4, 120)  # type: ignore[arg-type]
    assert type(point.quarter) is type(point.bpm) is Fraction
    assert point == TempoPoint(Fraction(4), Fraction(120), ramp=False)


@pytest.mark.parametrize(
    ("quarter", "bpm", "field"),
    [
        (Fraction(-1, 2), Fraction(120), "quarter must be between 0"),
        (Fraction(10_000_001), Fraction(120), "quarter must be between 0"),
        (Fraction(0), Fraction(4), "bpm must be between 5 and 1000"),
        (Fraction(0), Fraction(10_001, 10), "bpm must be between 5 and 1000"),
        (Fraction(0), 120 + Fraction(1, 3**90), "bpm is too fine"),
    ],
)
def test_values_out_of_range(quarter: Fraction, bpm: Fraction, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        TempoPoint(quarter, bpm)


def test_values_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match="quarter"):
        TempoPoint(0.5, Fraction(120))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bpm"):
        TempoPoint(Fraction(0), 120.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ramp"):
        TempoPoint(Fraction(0), Fraction(120), ramp=1)  # type: ignore[arg-type]
