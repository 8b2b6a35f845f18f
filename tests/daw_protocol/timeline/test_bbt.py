from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.timeline.bbt import Bbt

bbts = st.builds(
    Bbt,
    st.integers(-1_000_000, 1_000_000),
    st.integers(1, 64),
    st.fractions(0, 3839, max_denominator=10**9),
)

WRITTEN = [
    ("17|1|0", Bbt(17)),
    ("17|3|240", Bbt(17, 3, Fraction(240))),
    ("17|3|240.5", Bbt(17, 3, Fraction(481, 2))),
    ("17|3|721/3", Bbt(17, 3, Fraction(721, 3))),
    ("-4|2|0", Bbt(-4, 2)),
    ("0|1|0", Bbt(0)),
]


@pytest.mark.parametrize(("text", "bbt"), WRITTEN)
def test_text_and_back(text: str, bbt: Bbt) -> None:
    assert Bbt.parse(text) == bbt
    assert str(bbt) == text


@given(bbts)
def test_every_position_survives_its_text(bbt: Bbt) -> None:
    assert Bbt.parse(str(bbt)) == bbt


@pytest.mark.parametrize("text", ["17", "17|1", " 17 | 1 | 0 ", "+17|1|0", "17|01|000"])
def test_short_and_loose_forms(text: str) -> None:
    assert Bbt.parse(text) == Bbt(17)


@pytest.mark.parametrize(
    "text", ["", "17.2", "17|", "17||0", "17|1|", "17|1|0|0", "17|-1|0", "17|1|-5", "x|1"]
)
def test_text_that_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="a bar position must look like"):
        Bbt.parse(text)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ((1_000_001,), "bar"),
        ((1, 0), "beat"),
        ((1, 65), "beat"),
        ((1, 1, Fraction(-1)), "ticks"),
        ((1, 1, Fraction(3840)), "ticks"),
    ],
)
def test_values_out_of_range(values: tuple[int, ...], field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be between"):
        Bbt(*values)


def test_values_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match="bar"):
        Bbt(1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="beat"):
        Bbt(1, "2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ticks"):
        Bbt(1, 1, 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a bar position must be text"):
        Bbt.parse(17)  # type: ignore[arg-type]


def test_whole_ticks_may_be_given_as_an_int() -> None:
    assert Bbt(1, 1, 240) == Bbt(1, 1, Fraction(240))  # type: ignore[arg-type]
