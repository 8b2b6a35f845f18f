from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.bbt import Bbt
from daw_protocol.timeline.exact_number import exact_decimal
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint

timed_points = st.lists(
    st.tuples(
        st.floats(0.001, 100, allow_nan=False),
        st.floats(5, 1000, allow_nan=False),
        st.booleans(),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=40)
@given(timed_points, st.floats(-100, 100))
def test_points_stay_at_the_host_s_seconds(steps: list[tuple[float, float, bool]], start: float) -> None:
    """At 1 GHz a point is off its float by less than a nanosecond, also after twenty odd tempos and ramps."""
    seconds, points = exact_decimal("start", start), []
    for step, bpm, ramp in steps:
        points.append((seconds, bpm, ramp))
        seconds += exact_decimal("step", step)
    tempo_map = TempoMap.from_seconds(points)
    for (given_seconds, bpm, _), point in zip(points, tempo_map.points, strict=True):
        sample = tempo_map.sample_at(point.quarter, 10**9)
        assert abs(Fraction(sample, 10**9) - given_seconds) <= Fraction(1, 2 * 10**9)
        assert point.bpm == exact_decimal("bpm", bpm)


def test_a_song_by_hand() -> None:
    # 2 s of 120 bpm are 4 quarters; a ramp from 120 to 60 in 2 s passes 2 * 90 / 60 = 3 more.
    song = TempoMap.from_seconds([(1, 120, False), (3.0, "120", True), (5, 60, False)], first_bar=5)
    assert song.points == (
        TempoPoint(Fraction(0), Fraction(120)),
        TempoPoint(Fraction(4), Fraction(120), ramp=True),
        TempoPoint(Fraction(7), Fraction(60)),
    )
    assert song.offset == 1
    assert song.first_bar == 5
    assert song.meters == (MeterChange(Fraction(0), Meter(4, 4)),)
    assert song.sample_of(Bbt(5), 48000) == 48000


def test_a_meter_the_host_rounded_is_put_on_its_bar_line() -> None:
    # Bar 3 at 127.3 bpm lies at 8 * 60 / 127.3 s, which no float is.
    bar_line = 8 * 60 / 127.3
    song = TempoMap.from_seconds([(0, 127.3, False)], [(0, Meter(4, 4)), (bar_line, Meter(3, 4))])
    assert song.meters == (
        MeterChange(Fraction(0), Meter(4, 4)),
        MeterChange(Fraction(8), Meter(3, 4), cuts_bar=False),
    )


def test_a_time_next_to_nothing_is_no_obstacle() -> None:
    # Hosts that compute the start of a song may answer 1e-38 where they mean 0.
    assert TempoMap.from_seconds([(1e-38, 120, False)]).sample_of(Bbt(1), 48000) == 0


def test_a_meter_inside_a_bar_ends_it_early() -> None:
    song = TempoMap.from_seconds([(0, 120, False)], [(0, Meter(4, 4)), (3, Meter(3, 4))])
    assert song.meters[1] == MeterChange(Fraction(6), Meter(3, 4), cuts_bar=True)
    assert song.sample_of(Bbt(3), 48000) == 3 * 48000


def test_a_first_meter_later_on_leaves_common_time_before_it() -> None:
    song = TempoMap.from_seconds([(0, 120, False)], [(4, Meter(3, 4))])
    assert [str(change.meter) for change in song.meters] == ["4/4", "3/4"]
    assert song.meters[1].quarter == 8


def test_meters_may_be_given_in_quarters() -> None:
    change = MeterChange(Fraction(8), Meter(3, 4))
    song = TempoMap.from_seconds([(0, 120, False)], [MeterChange(Fraction(0), Meter(4, 4)), change])
    assert song.meters[1] == change


@pytest.mark.parametrize(
    ("points", "meters", "complaint"),
    [
        ([], [], "points must have at least one entry"),
        ([(0, 120, False), (0, 130, False)], [], r"points\[1\] seconds must lie after points\[0\]'s"),
        ([(0, 120, False), (-1, 130, False)], [], r"points\[1\] seconds must lie after"),
        ([(0, float("nan"), False)], [], r"points\[0\] bpm must be a finite number"),
        ([("noon", 120, False)], [], r"points\[0\] seconds must be a number"),
        ([(0, 4, False)], [], "bpm must lie between 5 and 1000"),
        ([(0, 120, False)], [(-5, Meter(3, 4))], "quarter must lie between 0"),
        ([(0, 120, False)], [(2, Meter(3, 4)), (2, Meter(4, 4))], "must lie after"),
    ],
)
def test_values_out_of_range(points: list, meters: list, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TempoMap.from_seconds(points, meters)


def test_values_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match=r"points\[0\] bpm"):
        TempoMap.from_seconds([(0, None, False)])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="ramp must be True or False"):
        TempoMap.from_seconds([(0, 120, 1)])  # type: ignore[list-item]
