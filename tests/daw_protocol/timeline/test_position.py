from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.position import (
    AtBbt,
    AtQuarters,
    AtSample,
    AtSeconds,
    AtTimecode,
    Position,
    format_position,
    parse_bars,
    parse_position,
)
from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint

# 120 bpm in 4/4, bar 1 one second into the timeline; a quarter is 24000 samples of 1/48000 s.
SONG = TempoMap.constant(120, offset=1)

TYPED = [
    # typed, meaning, sample at 48 kHz
    (384000, AtSample(384000), 384000),
    (-5, AtSample(-5), -5),
    (384000.0, AtSample(384000), 384000),
    (2.0**24, AtSample(2**24), 2**24),
    (2**24 + 1, AtSample(2**24 + 1), 2**24 + 1),
    ("384000", AtSample(384000), 384000),
    (" +12 ", AtSample(12), 12),
    ("12.5s", AtSeconds(Fraction(25, 2)), 600000),
    ("12.5 sec", AtSeconds(Fraction(25, 2)), 600000),
    ("-.5s", AtSeconds(Fraction(-1, 2)), -24000),
    ("1/3s", AtSeconds(Fraction(1, 3)), 16000),
    ("250ms", AtSeconds(Fraction(1, 4)), 12000),
    ("64b", AtQuarters(Fraction(64)), 48000 + 64 * 24000),
    ("-1.5B", AtQuarters(Fraction(-3, 2)), 12000),
    ("17|1|0", AtBbt(Bbt(17)), 48000 + 64 * 24000),
    ("17|3", AtBbt(Bbt(17, 3)), 48000 + 66 * 24000),
    ("1|1|480", AtBbt(Bbt(1, 1, Fraction(480))), 60000),
    ("bar 17", AtBbt(Bbt(17)), 48000 + 64 * 24000),
    ("Bar0", AtBbt(Bbt(0)), 48000 - 96000),
    ("1:02.5", AtSeconds(Fraction(125, 2)), 3000000),
    ("-0:01", AtSeconds(Fraction(-1)), -48000),
    ("90:00", AtSeconds(Fraction(5400)), 259200000),
    ("1:02:03.5", AtSeconds(Fraction(7447, 2)), 178728000),
    ("00:01:02:12@25", AtTimecode(0, 1, 2, 12, "25"), 2999040),
    # Frame 62 * 30 + 12 - 2 = 1870: 1870 * 1001 / 30000 s = 2994992 samples
    ("00:01:02;12@29.97", AtTimecode(0, 1, 2, 12, "29.97", drop=True), 2994992),
]


@pytest.mark.parametrize(("typed", "position", "sample"), TYPED)
def test_what_may_be_typed(typed: float | str, position: Position, sample: int) -> None:
    assert parse_position(typed) == position
    assert position.resolve(SONG, 48000) == sample


positions = st.one_of(
    st.builds(AtSample, st.integers(-(2**40), 2**40)),
    st.builds(AtSeconds, st.fractions(-(10**6), 10**6)),
    st.builds(AtQuarters, st.fractions(-(10**7), 10**7)),
    st.builds(AtBbt, st.builds(Bbt, st.integers(-(10**6), 10**6), st.integers(1, 64), st.fractions(0, 3839))),
    st.builds(
        AtTimecode,
        st.integers(0, 99),
        st.integers(0, 59),
        st.integers(1, 59),
        st.integers(0, 23),
        st.sampled_from(["23.976", "24", "25", "29.97", "30"]),
    ),
    st.builds(
        AtTimecode,
        st.integers(0, 99),
        st.integers(0, 59),
        st.integers(1, 59),
        st.integers(0, 29),
        st.just("29.97"),
        st.just(True),
    ),
)


@given(positions)
def test_every_position_survives_its_text(position: Position) -> None:
    assert parse_position(format_position(position)) == position


@given(st.integers(-(10**6), 10**8))
def test_a_sample_given_as_bar_or_quarters_or_seconds_is_the_same_sample(sample: int) -> None:
    ramp = (TempoPoint(Fraction(0), Fraction(90), ramp=True), TempoPoint(Fraction(50), Fraction("127.3")))
    song = TempoMap(ramp, (MeterChange(Fraction(0), Meter(7, 8)),), Fraction(1, 3), -1)
    for position in (
        AtBbt(song.bbt_at(sample, 44100)),
        AtQuarters(song.quarters_at(sample, 44100)),
        AtSeconds(song.seconds_at(sample, 44100)),
    ):
        assert parse_position(format_position(position)).resolve(song, 44100) == sample


WITH_COMMAS_OR_LUA = [
    ("8,5s", "8.5s"),
    ("-2,5s", "-2.5s"),
    ("1:02,5", "1:02.5"),
    ("64,5b", "64.5b"),
    ("17.0|1.0|0.0", "17|1|0"),
    ("17|1|240,5", "17|1|240.5"),
    ("bar 17.0", "bar 17"),
]


@pytest.mark.parametrize(("typed", "meant"), WITH_COMMAS_OR_LUA)
def test_numbers_as_people_and_scripts_write_them(typed: str, meant: str) -> None:
    assert parse_position(typed) == parse_position(meant)


@pytest.mark.parametrize(
    ("typed", "meant"), [("17.0-20.0", "17-20"), ("17.0", "17"), ("bars 17.-20.00", "17-20")]
)
def test_bars_of_a_script_whose_numbers_are_floats(typed: str, meant: str) -> None:
    assert parse_bars(typed, SONG, 48000) == parse_bars(meant, SONG, 48000)


REFUSED = [
    ("1,500s", 'comma in "1,500"'),
    ("17.0", 'for seconds write "17.0s"'),
    (float("nan"), "must be finite"),
    (float("inf"), "must be finite"),
    (float("-inf"), "must be finite"),
    ("nan", "must be finite"),
    ("-inf s", "must be finite"),
    (1.5, 'must be whole \\(for seconds write "1.5s"\\)'),
    (2.0**24 + 2, 'send an integer or "16777218"'),
    (-(2.0**25), 'send an integer or "-33554432"'),
    (2**41, "sample must be between"),
    (-(2**41), "sample must be between"),
    (-1e300, "sample must be between"),
    ("-99999999999999", "sample must be between"),
    ("1000001s", "seconds must be between"),
    ("20000000b", "quarters must be between"),
    ("1/0s", "divides by zero"),
    ("1..2s", "seconds must be a number"),
    ("", "it is empty"),
    ("   ", "it is empty"),
    ("17.2", 'for seconds write "17.2s"'),
    ("now", "not in an accepted form"),
    ("12 bars", "not in an accepted form"),
    ("17|0|0", "beat must be between 1 and 64"),
    ("17|1|x", "a bar position must look like"),
    ("bar 9999999", "bar must be between"),
    ("00:01:02:12", "timecode needs its frame rate"),
    ("00:01:02:25@25", "frame must be between 0 and 24"),
    ("1:60", "seconds after a colon must be below 60"),
    ("1:75:00", "minutes after a colon must be below 60"),
    ("9" * 5000, "not in an accepted form"),
]


@pytest.mark.parametrize(("typed", "complaint"), REFUSED, ids=lambda value: str(value)[:20])
def test_what_may_not_be_typed(typed: float | str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_position(typed)
    message = str(caught.value)
    assert message.startswith("position '")
    for form in ('"384000"', '"12.5s"', '"64b"', '"17|1|0"', '"1:02.5"', '"00:01:02:12@25"'):
        assert form in message
    assert len(message) < 600


@given(st.text(max_size=20))
def test_any_text_is_a_position_or_a_clear_error(text: str) -> None:
    try:
        position = parse_position(text)
    except ValueError as error:
        complaint = str(error)
    else:
        complaint = ""
        assert parse_position(format_position(position)) == position
    assert not complaint or "write samples" in complaint


@pytest.mark.parametrize("wrong", [None, True, b"12", [], Fraction(1)])
def test_other_kinds_are_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="a position must be a number or text"):
        parse_position(wrong)  # type: ignore[arg-type]


def test_positions_check_themselves() -> None:
    with pytest.raises(TypeError, match="sample"):
        AtSample(1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="seconds"):
        AtSeconds(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="quarters"):
        AtQuarters("1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bbt"):
        AtBbt("17|1|0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not a position"):
        format_position("17|1|0")  # type: ignore[arg-type]


def test_a_beat_its_bar_does_not_have_shows_when_it_is_resolved() -> None:
    with pytest.raises(ValueError, match="beat 5 does not exist: bar 17 has 4"):
        parse_position("17|5|0").resolve(SONG, 48000)


BARS = [
    # A bar is 96000 samples and bar 1 lies at 48000: bar 17 is at 48000 + 16 * 96000.
    ("17-20", Span(1584000, 1584000 + 4 * 96000)),
    ("17", Span(1584000, 1680000)),
    (" 17 – 18 ", Span(1584000, 1776000)),
    ("bars 17-18", Span(1584000, 1776000)),
    ("-1-0", Span(48000 - 2 * 96000, 48000)),
    ("-2--1", Span(48000 - 3 * 96000, 48000 - 96000)),
]


@pytest.mark.parametrize(("text", "span"), BARS)
def test_bars_include_the_last_one(text: str, span: Span) -> None:
    assert parse_bars(text, SONG, 48000) == span


def test_neighbouring_bars_meet_without_gap_or_overlap() -> None:
    song = TempoMap.constant("127.3", Meter(7, 8))
    ends = [parse_bars(str(bar), song, 44100) for bar in range(-3, 40)]
    assert all(one.end == following.start for one, following in pairwise(ends))
    assert parse_bars("-3-39", song, 44100) == Span(ends[0].start, ends[-1].end)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("20-17", "the last bar must not be before the first"),
        ("17-", 'bars must look like "17-20"'),
        ("17.5", "bars must look like"),
        ("", "bars must look like"),
        ("17-18-19", "bars must look like"),
        ("1000000", "bar must be between"),
    ],
)
def test_bars_that_cannot_be(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_bars(text, SONG, 48000)


def test_bars_want_text() -> None:
    with pytest.raises(TypeError, match="bars must be text"):
        parse_bars(17, SONG, 48000)  # type: ignore[arg-type]
