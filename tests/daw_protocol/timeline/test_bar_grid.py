from __future__ import annotations

from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daw_protocol.timeline.bar_grid import COMMON_TIME, BarGrid, MeterChange, check_changes, on_bar_lines
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.meter import Meter

meters = st.builds(Meter, st.integers(1, 16), st.sampled_from([1, 2, 4, 8, 16, 32]))


@st.composite
def grids(draw: st.DrawFn) -> BarGrid:
    """Up to six meters, each after a few whole bars or, cutting one, a fraction of a bar more."""
    quarter, changes = Fraction(0), [MeterChange(Fraction(0), draw(meters))]
    for _ in range(draw(st.integers(0, 5))):
        cut = draw(st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(6, 7)]))
        bars = draw(st.integers(1, 4)) + cut
        quarter += bars * changes[-1].meter.quarters_per_bar
        changes.append(MeterChange(quarter, draw(meters), cuts_bar=cut != 0))
    check_changes(tuple(changes))
    return BarGrid(tuple(changes), draw(st.integers(-3, 5)))


# Two bars of 4/4 (quarters 0 and 4), three of 7/8 (8, 11.5, 15), then 2/2 from quarter 18.5 on.
SONG = BarGrid(
    (
        MeterChange(Fraction(0), Meter(4, 4)),
        MeterChange(Fraction(8), Meter(7, 8)),
        MeterChange(Fraction(37, 2), Meter(2, 2)),
    ),
    1,
)

PLACES = [
    # quarter, bar|beat|ticks. A beat of 7/8 has 480 ticks, one of 2/2 has 1920.
    (Fraction(0), "1|1|0"),
    (Fraction(15, 2), "2|4|480"),
    (Fraction(8), "3|1|0"),
    (Fraction(17, 2), "3|2|0"),
    (Fraction(35, 4), "3|2|240"),
    (Fraction(23, 2), "4|1|0"),
    (Fraction(37, 2), "6|1|0"),
    (Fraction(39, 2), "6|1|960"),
    (Fraction(41, 2), "6|2|0"),
    (Fraction(45, 2), "7|1|0"),
    # Before the first bar its meter goes on, and bars count down through 0.
    (Fraction(-1), "0|4|0"),
    (Fraction(-4), "0|1|0"),
    (Fraction(-5), "-1|4|0"),
    (Fraction(-1, 3), "0|4|640"),
]


@pytest.mark.parametrize(("quarter", "text"), PLACES)
def test_a_song_counted_by_hand(quarter: Fraction, text: str) -> None:
    assert str(SONG.bbt_of(quarter)) == text
    assert SONG.quarters_of(Bbt.parse(text)) == quarter
    assert SONG.bar_at(quarter) == Bbt.parse(text).bar


@settings(max_examples=60)
@given(grids(), st.fractions(-100, 300, max_denominator=10**6))
def test_quarters_survive_their_bar_and_beat(grid: BarGrid, quarter: Fraction) -> None:
    bbt = grid.bbt_of(quarter)
    assert grid.quarters_of(bbt) == quarter
    assert bbt.bar == grid.bar_at(quarter)
    assert grid.start_of_bar(bbt.bar) <= quarter < grid.start_of_bar(bbt.bar + 1)
    assert bbt.beat <= grid.meter_at(quarter).numerator
    assert grid.meter_of_bar(bbt.bar) == grid.meter_at(quarter)


@settings(max_examples=60)
@given(grids(), st.fractions(-50, 200, max_denominator=96))
def test_beats_follow_each_other_without_a_gap(grid: BarGrid, quarter: Fraction) -> None:
    beats = list(islice(grid.beats_from(quarter), 60))
    assert beats[0].quarter <= quarter < beats[1].quarter
    for beat, following in pairwise(beats):
        assert 0 < following.quarter - beat.quarter <= beat.meter.quarters_per_beat
        assert grid.bbt_of(beat.quarter) == Bbt(beat.bar, beat.beat)
        assert (following.bar, following.beat) in ((beat.bar, beat.beat + 1), (beat.bar + 1, 1))


@settings(max_examples=60)
@given(grids(), st.fractions(-50, 200, max_denominator=96))
def test_bars_are_the_first_beats(grid: BarGrid, quarter: Fraction) -> None:
    bars = list(islice(grid.bars_from(quarter), 8))
    assert [bar.bar for bar in bars] == list(range(grid.bar_at(quarter), grid.bar_at(quarter) + 8))
    assert [grid.start_of_bar(bar.bar) for bar in bars] == [bar.quarter for bar in bars]


def test_a_meter_inside_a_bar_starts_a_new_bar() -> None:
    # 4/4 cut after two and a half beats of bar 2: bar 2 runs from quarter 4 to 6.5, bar 3 begins there.
    grid = BarGrid(
        (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(13, 2), Meter(3, 4), cuts_bar=True)), 1
    )
    assert str(grid.bbt_of(Fraction(13, 2))) == "3|1|0"
    assert str(grid.bbt_of(Fraction(6))) == "2|3|0"
    assert grid.start_of_bar(4) == Fraction(19, 2)
    with pytest.raises(ValueError, match="cuts bar 2 short"):
        grid.quarters_of(Bbt(2, 4))
    with pytest.raises(ValueError, match="cuts bar 2 short"):
        grid.quarters_of(Bbt(2, 3, Fraction(480)))
    assert [(beat.bar, beat.beat) for beat in islice(grid.beats_from(Fraction(4)), 5)] == [
        (2, 1), (2, 2), (2, 3), (3, 1), (3, 2),
    ]  # fmt: skip


def test_a_position_its_bar_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"beat 8 does not exist: bar 3 has 7 beats \(7/8\)"):
        SONG.quarters_of(Bbt(3, 8))
    with pytest.raises(ValueError, match="ticks must be below 480 in 7/8, got 480"):
        SONG.quarters_of(Bbt(3, 1, Fraction(480)))
    with pytest.raises(ValueError, match="ticks must be below 960 in 4/4, got 960"):
        SONG.quarters_of(Bbt(1, 1, Fraction(960)))


def test_changes_that_do_not_fit() -> None:
    common = MeterChange(Fraction(0), Meter(4, 4))
    with pytest.raises(ValueError, match=r"meters\[1\].quarter 6 is inside a 4/4 bar"):
        check_changes((common, MeterChange(Fraction(6), Meter(3, 4))))
    with pytest.raises(ValueError, match=r"meters\[2\].quarter 8 must be after meters\[1\]"):
        check_changes((common, MeterChange(Fraction(8), Meter(3, 4)), MeterChange(Fraction(8), Meter(2, 4))))
    with pytest.raises(ValueError, match="start with a time signature at quarter 0"):
        BarGrid((MeterChange(Fraction(4), Meter(4, 4)),), 1)


def test_a_change_checks_itself() -> None:
    with pytest.raises(TypeError, match="quarter must be an int or a Fraction"):
        MeterChange(1.5, Meter(4, 4))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="quarter must be between 0"):
        MeterChange(Fraction(-4), Meter(4, 4))
    with pytest.raises(TypeError, match="meter must be a Meter"):
        MeterChange(Fraction(0), "4/4")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cuts_bar"):
        MeterChange(Fraction(0), Meter(4, 4), cuts_bar=1)  # type: ignore[arg-type]


def test_a_meter_the_host_rounded_is_put_on_its_bar_line() -> None:
    near = MeterChange(Fraction(8) + Fraction(1, 10**6), Meter(3, 4))
    assert on_bar_lines([COMMON_TIME, near]) == (COMMON_TIME, MeterChange(Fraction(8), Meter(3, 4)))


def test_a_meter_inside_a_bar_ends_it_early() -> None:
    inside = MeterChange(Fraction(6), Meter(3, 4))
    assert on_bar_lines([COMMON_TIME, inside])[1] == MeterChange(Fraction(6), Meter(3, 4), cuts_bar=True)


def test_a_first_meter_later_on_leaves_common_time_before_it() -> None:
    later = MeterChange(Fraction(8), Meter(3, 4))
    assert on_bar_lines([later]) == (COMMON_TIME, later)
    assert on_bar_lines([]) == (COMMON_TIME,)
