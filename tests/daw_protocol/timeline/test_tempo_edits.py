"""Edits of a tempo map keep the music where it is: checked on any maps and any edits."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.timeline import Bbt, Meter, MeterChange, TempoMap, TempoPoint
from daw_protocol.timeline.tempo_edits import (
    at_bpm,
    bar_one_at,
    bar_one_seconds,
    later_by,
    multiplied,
    shifted,
    tapped,
    with_meter,
)

NANOSECONDS = 1_000_000_000
METERS = [Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(7, 8)]


def seconds_of(tempo_map, bar, beat=1):
    return tempo_map.sample_of(Bbt(bar, beat), NANOSECONDS) / NANOSECONDS


@st.composite
def maps(draw):
    """Constant and changing maps with a lead-in of some bars, in one meter."""
    meter = draw(st.sampled_from(METERS))
    gaps = draw(st.lists(st.integers(1, 12), max_size=4))
    quarters = [Fraction(sum(gaps[:count])) for count in range(len(gaps) + 1)]
    bpms = draw(st.lists(st.integers(60, 200), min_size=len(quarters), max_size=len(quarters)))
    points = tuple(TempoPoint(quarter, Fraction(bpm)) for quarter, bpm in zip(quarters, bpms, strict=True))
    offset = Fraction(draw(st.integers(0, 3000)), 1000)
    return TempoMap(points, (MeterChange(Fraction(0), meter),), offset, draw(st.integers(-2, 1)))


@given(maps())
def test_doubling_and_halving_undo_each_other_and_leave_bar_1(tempo_map):
    doubled = multiplied(tempo_map, Fraction(2))
    assert seconds_of(doubled, 1) == pytest.approx(seconds_of(tempo_map, 1), abs=1e-8)
    # Bar 1 takes half as long: its end is where the middle of the old one was.
    for bar in (2, 3, 5):
        assert seconds_of(doubled, 2 * bar - 1) == pytest.approx(seconds_of(tempo_map, bar), abs=1e-8)
    back = multiplied(doubled, Fraction(1, 2))
    assert [seconds_of(back, bar) for bar in (1, 2, 5)] == pytest.approx(
        [seconds_of(tempo_map, bar) for bar in (1, 2, 5)], abs=1e-8
    )


@given(maps(), st.integers(-40, 40))
def test_a_shift_moves_bar_1_to_another_beat_and_no_beat_in_time(tempo_map, beats):
    moved = shifted(tempo_map, beats)
    meter = tempo_map.meters[0].meter
    bar, beat = divmod(beats, meter.numerator)
    assert seconds_of(moved, 1) == pytest.approx(seconds_of(tempo_map, 1 + bar, beat + 1), abs=1e-8)
    assert seconds_of(moved, 4) == pytest.approx(seconds_of(tempo_map, 4 + bar, beat + 1), abs=1e-8)
    assert seconds_of(moved, -1) == pytest.approx(seconds_of(tempo_map, -1 + bar, beat + 1), abs=1e-8)
    assert [seconds_of(shifted(moved, -beats), one) for one in (0, 1, 6)] == pytest.approx(
        [seconds_of(tempo_map, one) for one in (0, 1, 6)], abs=1e-8
    )


@given(maps(), st.integers(-2000, 20_000))
def test_bar_1_begins_where_it_is_put(tempo_map, milliseconds):
    seconds = Fraction(milliseconds, 1000)
    moved = bar_one_at(tempo_map, seconds)
    assert seconds_of(moved, 1) == pytest.approx(float(seconds), abs=2e-9)
    assert float(bar_one_seconds(moved)) == pytest.approx(float(seconds), abs=2e-9)
    # The tempo around it is still that of the music there.
    for at in (seconds + 1, seconds + 9):
        sample = round(at * NANOSECONDS)
        assert moved.tempo_at(sample, NANOSECONDS) == tempo_map.tempo_at(sample, NANOSECONDS)


def test_bar_1_is_put_within_a_day():
    with pytest.raises(ValueError, match="within a day, got 90000 s"):
        bar_one_at(TempoMap.constant(120), Fraction(90_000))


def test_a_factor_must_leave_a_tempo_that_maps_can_hold():
    with pytest.raises(ValueError, match="bpm"):
        multiplied(TempoMap.constant(600), Fraction(2))
    with pytest.raises(ValueError, match="above 0, got 0"):
        multiplied(TempoMap.constant(120), Fraction(0))


@given(maps(), st.sampled_from(METERS))
def test_another_meter_keeps_bar_1_and_the_tempo(tempo_map, meter):
    other = with_meter(tempo_map, meter)
    assert other.meters == (MeterChange(Fraction(0), meter),)
    assert float(bar_one_seconds(other)) == pytest.approx(float(bar_one_seconds(tempo_map)), abs=1e-8)


@given(maps())
def test_a_typed_tempo_keeps_bar_1_and_the_meter(tempo_map):
    typed = at_bpm(tempo_map, Fraction(97))
    assert [float(point.bpm) for point in typed.points] == [97.0]
    assert typed.meters[0].meter == tempo_map.meters[0].meter
    assert float(bar_one_seconds(typed)) == pytest.approx(float(bar_one_seconds(tempo_map)), abs=1e-8)


@given(maps(), st.integers(-5000, 5000))
def test_a_map_moves_with_its_song(tempo_map, milliseconds):
    moved = later_by(tempo_map, Fraction(milliseconds, 1000))
    assert seconds_of(moved, 3) == pytest.approx(seconds_of(tempo_map, 3) + milliseconds / 1000, abs=2e-9)


@given(st.integers(60, 200), st.integers(0, 4000), st.sets(st.integers(1, 30), min_size=3))
def test_taps_give_their_tempo_even_with_beats_left_out(bpm, first, beats):
    beats = {0, 1, 2, *beats}  # the usual gap is one beat
    usual = sorted(later - earlier for earlier, later in zip(sorted(beats), sorted(beats)[1:], strict=False))
    if usual[len(usual) // 2] != 1:
        return
    found = tapped([first / 1000 + beat * 60 / bpm for beat in sorted(beats)])
    assert float(found.points[0].bpm) == pytest.approx(bpm, abs=0.01)
    assert float(found.offset) == pytest.approx(first / 1000, abs=1e-4)


@pytest.mark.parametrize(
    ("taps", "wrong"), [([1.0], "at least 2 taps, got 1"), ([1.0, 2.0, 1.5], "in the order")]
)
def test_taps_that_are_no_tempo(taps, wrong):
    with pytest.raises(ValueError, match=wrong):
        tapped(taps)
