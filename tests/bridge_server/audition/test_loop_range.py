"""Whole bars around a take."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.audition.loop_range import last_bar_line, loop_range_around
from daw_protocol.timeline import Meter, MeterChange, Span, TempoMap, TempoPoint
from daw_protocol.timeline.bbt import Bbt

RATE = 48000
BAR = 96000
EVEN = TempoMap.constant(120)
SONG = Span(0, 16 * BAR)


@pytest.mark.parametrize(
    ("region", "before", "after", "expected"),
    [
        ((4, 6), 2, 2, (2, 8)),
        ((4, 6), 0, 0, (4, 6)),
        ((1, 2), 2, 2, (0, 4)),  # the song has one bar before it
        ((0, 2), 2, 1, (0, 3)),
        ((14, 16), 2, 2, (12, 16)),  # and none after it
        ((16, 20), 2, 2, (14, 20)),  # a continuation lies behind the song; all there is plays
        ((4.5, 6), 1, 0, (3, 6)),  # begins inside a bar: that bar is played whole
        ((4, 5.25), 0, 1, (4, 7)),
    ],
)
def test_bars(region, before, after, expected):
    start, end = (round(bars * BAR) for bars in region)
    song = Span(0, max(SONG.end, end))
    found = loop_range_around(Span(start, end), before, after, EVEN, RATE, song)
    assert (found.start / BAR, found.end / BAR) == expected


def test_a_song_that_does_not_begin_on_a_bar_line():
    song = Span(BAR // 3, 8 * BAR)
    assert loop_range_around(Span(2 * BAR, 3 * BAR), 4, 0, EVEN, RATE, song) == Span(BAR, 3 * BAR)
    # The region's own bar is never cut, even where the song has not begun yet.
    assert loop_range_around(Span(BAR // 2, 3 * BAR), 4, 0, EVEN, RATE, song) == Span(0, 3 * BAR)


@settings(deadline=None)  # a busy machine is no fault of the code
@given(
    bpm=st.sampled_from(("120", "127.3", "89.99", "63")), rate=st.sampled_from((44100, 48000, 96000)),
    bars=st.tuples(st.integers(1, 30), st.integers(1, 8)), before=st.integers(0, 4), after=st.integers(0, 4),
)  # fmt: skip
def test_lines_between_two_samples_count_as_lines(bpm, rate, bars, before, after):
    tempo_map = TempoMap.constant(bpm, Meter(7, 8))
    first, last = bars[0] + 5, bars[0] + 5 + bars[1]

    def line(bar):
        return tempo_map.sample_of(Bbt(bar), rate)

    region, song = Span(line(first), line(last)), Span(0, line(last + 10))
    found = loop_range_around(region, before, after, tempo_map, rate, song)
    assert found == Span(line(first - before), line(last + after))
    assert last_bar_line(tempo_map, region.end, rate) == region.end
    assert last_bar_line(tempo_map, region.end - 1, rate) == line(last - 1)


def test_through_a_change_of_tempo_and_meter():
    tempo_map = TempoMap(
        (TempoPoint(0, 120), TempoPoint(8, 60)), (MeterChange(0, Meter(4, 4)), MeterChange(8, Meter(3, 4)))
    )
    # Bars of 2 s twice, then of 3 s.
    found = loop_range_around(Span(7 * RATE, 10 * RATE), 2, 1, tempo_map, RATE, Span(0, 60 * RATE))
    assert found == Span(2 * RATE, 13 * RATE)
