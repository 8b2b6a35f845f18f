from fractions import Fraction

import pytest
from hypothesis import given, settings

from daw_protocol.fields import shown
from daw_protocol.timeline import Meter, MeterChange, TempoMap, TempoPoint
from daw_protocol.timeline.duration import MAX_AMOUNT, Duration, DurationUnit
from tests.daw_protocol.generated import durations

SAMPLES, SECONDS, QUARTERS, BARS = DurationUnit


@pytest.mark.parametrize(
    ("typed", "amount", "unit"),
    [
        (192000, 192000, SAMPLES),
        ("192000", 192000, SAMPLES),
        (" 4s ", 4, SECONDS),
        ("0.001S", Fraction(1, 1000), SECONDS),
        ("16b", 16, QUARTERS),
        ("1.5 b", Fraction(3, 2), QUARTERS),
        ("8 bars", 8, BARS),
        ("1bar", 1, BARS),
        ("+4s", 4, SECONDS),
        (" +192000", 192000, SAMPLES),
        ("+8 bars", 8, BARS),
        ("+.5b", Fraction(1, 2), QUARTERS),
        ("4 sec", 4, SECONDS),
        ("250ms", Fraction(1, 4), SECONDS),
        ("0.123456789012ms", Fraction(123456789, 10**12), SECONDS),
        (".5s", Fraction(1, 2), SECONDS),
    ],
)
def test_read(typed, amount, unit):
    assert Duration.parse(typed) == Duration(Fraction(amount), unit)


@pytest.mark.parametrize("typed", [None, True, 4.0, [4], b"4"])
def test_neither_number_nor_text(typed):
    with pytest.raises(TypeError, match="must be a length"):
        Duration.parse(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "", "four", "-4s", "+-4s", "++4s", "0", "0s", 0, -1, "4 s s", "4.5", "1.5 bars", "1e3", "nan", "inf", "+", ".s",
        "+0s",
        "9" * 13, "x" * 10_000, 10**5000, "86401s", "100001b", "100001 bars",
    ],
    ids=shown,
)  # fmt: skip
def test_refused(typed):
    with pytest.raises(ValueError, match=r"must be (a length|a whole number|more than 0)") as raised:
        Duration.parse(typed)
    assert len(str(raised.value)) < 200


@settings(deadline=None)
@given(durations())
def test_text_and_back(duration):
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize(
    "typed", ["86399.123456789012s", "0.000000000001s", "99999.999999999999b", "3 bars", "7"]
)
def test_not_a_digit_is_lost(typed):
    assert str(Duration.parse(typed)) == typed


def test_limits_are_in():
    for unit, most in MAX_AMOUNT.items():
        assert Duration(Fraction(most), unit).amount == most
        with pytest.raises(ValueError, match="at most"):
            Duration(Fraction(most) + 1, unit)


STEADY = TempoMap.constant(120)
# 4 quarters at 120 (2 s), then 60: a quarter lasts a second.
SLOWER = TempoMap((TempoPoint(Fraction(0), Fraction(120)), TempoPoint(Fraction(4), Fraction(60))))
# two bars of 4/4, then 3/4
METERS = TempoMap(
    (TempoPoint(Fraction(0), Fraction(120)),),
    (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(8), Meter(3, 4))),
)


@pytest.mark.parametrize(
    ("typed", "start", "tempo_map", "end"),
    [
        ("100", 7, STEADY, 107),
        ("0.5s", 48000, STEADY, 72000),
        ("0.00001s", 0, STEADY, 0),  # half a sample: the region check says that this is empty
        ("4b", 0, STEADY, 96000),
        ("4b", 48000, SLOWER, 96000 + 2 * 48000),  # 2 quarters at 120, 2 at 60
        ("2 bars", 0, STEADY, 192000),
        ("2 bars", 12000, STEADY, 204000),  # from a quarter of a second into the bar to the same place
        ("2 bars", 96000, METERS, 96000 + 96000 + 72000),  # one of four quarters, one of three
    ],
)
def test_end(typed, start, tempo_map, end):
    assert Duration.parse(typed).end_after(start, tempo_map, 48000) == end


def test_bars_later_there_may_be_no_such_beat():
    fourth_beat = 96000 + 72000  # 2|4, and bar 3 has three beats
    with pytest.raises(ValueError, match="beat"):
        Duration.parse("1 bar").end_after(fourth_beat, METERS, 48000)
