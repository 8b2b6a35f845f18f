from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_store.exports.tempo_from_zero import from_zero, point_seconds, seconds_of
from daw_protocol.timeline import Bbt, Meter, Span, TempoMap
from tests.clip_store.exports.songs import MOVING, STEADY, offset

RATE = 48_000
SPAN = Span(0, 20 * RATE)


def bars(tempo_map):
    return [(beat.sample, beat.meter) for beat in tempo_map.bars_between(SPAN, RATE)]


def test_a_map_that_begins_at_zero_stays_as_it_is():
    found, lead_in = from_zero(MOVING)
    assert lead_in is None
    assert (found.points, found.meters, found.offset) == (MOVING.points, MOVING.meters, 0)


def test_zero_on_a_later_bar_line_needs_no_lead_in():
    found, lead_in = from_zero(offset(STEADY, "-4"))
    assert lead_in is None
    assert found.first_bar == 3
    assert bars(found) == bars(STEADY)


@pytest.mark.parametrize("seconds", ["0.37", "-1.75", "0.0001", "-0.0001", "13.37", "-7.77", "1/48000"])
@pytest.mark.parametrize("tempo_map", [STEADY, MOVING], ids=["steady", "moving"])
def test_every_later_bar_line_stays_on_its_sample(tempo_map, seconds):
    given_map = offset(tempo_map, seconds)
    found, lead_in = from_zero(given_map)
    assert found.offset == 0
    assert (lead_in is None) == (given_map.bbt_at(0, RATE) == Bbt(given_map.bbt_at(0, RATE).bar))
    lines = bars(given_map)
    kept = bars(found)
    assert kept[0][0] == 0
    # All lines but those the lead-in bar may have swallowed: hardly anything was left before them.
    skipped = len(lines) - len(kept) + (lead_in is not None)
    assert 0 <= skipped <= 1
    assert kept[1 if lead_in is not None else 0 :] == lines[skipped:]
    for sample in range(kept[1][0] + 1, 15 * RATE, 4_321):
        assert abs(found.tempo_at(sample, RATE) - given_map.tempo_at(sample, RATE)) < Fraction(1, 10**6)


def test_bars_keep_their_numbers():
    found, _ = from_zero(offset(STEADY, "0.37"))
    sample = round(0.37 * RATE) + 4 * 2 * RATE
    assert found.bbt_at(sample, RATE, grid_ticks=1) == offset(STEADY, "0.37").bbt_at(
        sample, RATE, grid_ticks=1
    )


@settings(deadline=None)
@given(
    st.fractions(min_value=-30, max_value=30, max_denominator=10**6),
    st.integers(min_value=5, max_value=1000),
    st.sampled_from([Meter(4, 4), Meter(7, 8), Meter(1, 16), Meter(13, 4)]),
)
def test_any_offset(seconds, bpm, meter):
    given_map = TempoMap.constant(bpm, meter, seconds)
    found, lead_in = from_zero(given_map)
    span = Span(0, 5 * RATE)
    lines = [beat.sample for beat in given_map.bars_between(span, RATE)]
    kept = [beat.sample for beat in found.bars_between(span, RATE)][1 if lead_in else 0 :]
    skipped = len(lines) - len(kept)
    assert kept == lines[skipped:]
    assert skipped <= 4  # of bars of a 16th note at 1000 bpm


def test_seconds_of_points_are_exact():
    assert point_seconds(MOVING)[1] == Fraction(4 * 60, 97)
    for point, seconds in zip(MOVING.points, point_seconds(MOVING), strict=True):
        assert abs(seconds_of(MOVING, point.quarter) - seconds) <= Fraction(1, 2 * 10**9)
