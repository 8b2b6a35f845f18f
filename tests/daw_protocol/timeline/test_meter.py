from __future__ import annotations

from fractions import Fraction

import pytest

from daw_protocol.timeline.meter import DENOMINATORS, Meter

LENGTHS = [
    # text, quarters per bar, quarters per beat
    ("4/4", Fraction(4), Fraction(1)),
    ("3/4", Fraction(3), Fraction(1)),
    ("7/8", Fraction(7, 2), Fraction(1, 2)),
    ("12/8", Fraction(6), Fraction(1, 2)),
    ("2/2", Fraction(4), Fraction(2)),
    ("1/1", Fraction(4), Fraction(4)),
    ("5/16", Fraction(5, 4), Fraction(1, 4)),
    ("1/32", Fraction(1, 8), Fraction(1, 8)),
]


@pytest.mark.parametrize(("text", "bar", "beat"), LENGTHS)
def test_lengths_in_quarters(text: str, bar: Fraction, beat: Fraction) -> None:
    meter = Meter.parse(text)
    assert (meter.quarters_per_bar, meter.quarters_per_beat) == (bar, beat)


def test_every_meter_survives_its_text() -> None:
    for denominator in DENOMINATORS:
        for numerator in range(1, 65):
            meter = Meter(numerator, denominator)
            assert Meter.parse(str(meter)) == meter


def test_spaces_are_forgiven() -> None:
    assert Meter.parse(" 6 / 8 ") == Meter(6, 8)


def test_a_script_whose_numbers_are_floats_is_understood() -> None:
    assert Meter.parse("7.0/8.0") == Meter(7, 8)


def test_digits_of_any_script_are_digits() -> None:
    assert Meter.parse("٤/4") == Meter(4, 4)


@pytest.mark.parametrize("text", ["", "4", "4/", "/4", "4-4", "-4/4", "4/4/4", "four/4", "4.5/4", "4./4"])
def test_text_that_is_no_meter(text: str) -> None:
    with pytest.raises(ValueError, match='look like "4/4"'):
        Meter.parse(text)


@pytest.mark.parametrize(
    ("numerator", "denominator", "field"),
    [
        (0, 4, "numerator"),
        (65, 4, "numerator"),
        (4, 0, "denominator"),
        (4, 3, "denominator"),
        (4, 64, "denom"),
    ],
)
def test_values_out_of_range(numerator: int, denominator: int, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Meter(numerator, denominator)


@pytest.mark.parametrize("wrong", [4.0, "4", None, True])
def test_values_of_the_wrong_kind(wrong: object) -> None:
    with pytest.raises(TypeError, match="numerator"):
        Meter(wrong, 4)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="denominator"):
        Meter(4, wrong)  # type: ignore[arg-type]


def test_parse_wants_text() -> None:
    with pytest.raises(TypeError, match="a time signature must be text"):
        Meter.parse(4)  # type: ignore[arg-type]
