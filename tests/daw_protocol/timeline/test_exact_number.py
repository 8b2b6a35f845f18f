from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.timeline.exact_number import (
    bounded,
    check_coordinate,
    check_int,
    check_rate,
    decimal_of_float32,
    exact,
    exact_decimal,
    from_text,
    nearest_sample,
    to_text,
)

WRITTEN = [
    (Fraction(3), "3"),
    (Fraction(-3), "-3"),
    (Fraction(0), "0"),
    (Fraction(5, 2), "2.5"),
    (Fraction(-1, 8), "-0.125"),
    (Fraction(1, 3), "1/3"),
    (Fraction(-7, 6), "-7/6"),
    (Fraction(1, 10**12), "0.000000000001"),
    (Fraction(1, 10**13), "1/10000000000000"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_text_of_a_number_and_back(value: Fraction, text: str) -> None:
    assert to_text(value) == text
    assert from_text("field", text) == value


@given(st.fractions())
def test_every_fraction_survives_its_text(value: Fraction) -> None:
    assert from_text("field", to_text(value)) == value


@pytest.mark.parametrize(
    "text", ["", "x", "1.2.3", "1e5", "nan", "inf", "1/", "/2", "1/-2", "0x1", "1_0", "²", "½"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="field must be a number"):
        from_text("field", text)


def test_division_by_zero_and_endless_text_are_refused() -> None:
    with pytest.raises(ValueError, match="field divides by zero"):
        from_text("field", "1/0")
    with pytest.raises(ValueError, match="field has 1001 characters"):
        from_text("field", "1" * 1001)


def test_a_float_counts_as_the_decimal_it_prints() -> None:
    assert exact_decimal("bpm", 127.3) == Fraction(1273, 10)
    assert exact_decimal("bpm", 1e-7) == Fraction(1, 10**7)
    assert exact_decimal("bpm", "127.3") == exact_decimal("bpm", Fraction(1273, 10))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_must_be_finite(value: float) -> None:
    with pytest.raises(ValueError, match="bpm must be a finite number"):
        exact_decimal("bpm", value)


@pytest.mark.parametrize(
    "text", ["127.3", "0.1", "120", "-0.333", "1000.01", "12345.68", "0", "96.5", "1e-07"]
)
def test_a_32_bit_float_counts_as_the_decimal_that_was_sent(text: str) -> None:
    (received,) = struct.unpack("f", struct.pack("f", float(text)))
    assert decimal_of_float32(received) == Fraction(text)


@given(st.floats(width=32, min_value=-(2.0**100), max_value=2.0**100, allow_subnormal=False))
def test_a_32_bit_float_moves_by_less_than_its_own_precision(value: float) -> None:
    assert abs(decimal_of_float32(value) - Fraction(value)) <= abs(Fraction(value)) / 2**23 + Fraction(
        1, 2**96
    )


def test_a_float_of_64_bits_is_left_alone() -> None:
    assert decimal_of_float32(127.3) == Fraction(1273, 10)
    assert decimal_of_float32(1e300) == 10**300
    with pytest.raises(ValueError, match="finite"):
        decimal_of_float32(float("nan"))
    with pytest.raises(ValueError, match="finite"):
        decimal_of_float32(float("inf"))


@pytest.mark.parametrize("value", [1.5, True, "1", None])
def test_exact_takes_no_floats_and_no_flags(value: object) -> None:
    with pytest.raises(TypeError, match="quarter must be an int or a Fraction"):
        exact("quarter", value)


def test_bounded_leaves_ordinary_numbers_and_rounds_endless_ones() -> None:
    ordinary = Fraction(60 * 7, 12037 * 13)
    assert bounded(ordinary) is ordinary
    endless = Fraction(1, 3**100)
    assert bounded(endless).denominator <= 2**96
    assert abs(bounded(2 + endless) - (2 + endless)) <= Fraction(1, 2**97)


def test_ranges_name_the_field_and_both_ends() -> None:
    check_coordinate("bpm", Fraction(5), 5, 1000)
    with pytest.raises(ValueError, match=r"bpm must be between 5 and 1000, got 4\.9"):
        check_coordinate("bpm", Fraction(49, 10), 5, 1000)
    with pytest.raises(ValueError, match="bpm is too fine"):
        check_coordinate("bpm", Fraction(3**100 + 1, 3**99), 0, 1000)
    with pytest.raises(ValueError, match="beat must be between 1 and 64, got 65"):
        check_int("beat", 65, 1, 64)
    with pytest.raises(TypeError, match="beat must be a whole number, got True"):
        check_int("beat", True, 1, 64)


@pytest.mark.parametrize("rate", [0, -48000, 10**9 + 1])
def test_rates_out_of_range(rate: int) -> None:
    with pytest.raises(ValueError, match="rate must be between"):
        check_rate(rate)


def test_nearest_sample_takes_the_later_of_two() -> None:
    # At 2 Hz a sample lasts 1/2 s: 1/4 s lies halfway between samples 0 and 1, -1/4 s between -1 and 0.
    assert nearest_sample(Fraction(1, 4), 2) == 1
    assert nearest_sample(Fraction(-1, 4), 2) == 0
    assert nearest_sample(Fraction(249, 1000), 2) == 0
