"""Windows on the grid of 92.88 ms: at every rate, at a song's ends, and as long as they may be."""

from __future__ import annotations

import pytest

from model.acestep_v1.frame_window import FRAME, MAX_FRAMES, MIN_FRAMES, RATE, FrameWindow, plan_frames
from model.errors import CannotRender

RATES = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)


def holds(window: FrameWindow, start: int, end: int) -> bool:
    """Whether the region's frames hold all its samples, with less than a frame too much on each side."""
    first, last = window.begin(window.region[0]), window.begin(window.region[1])
    frame = FRAME * window.rate / RATE
    return bool(first <= start and last >= end and start - first < frame and last - end < frame)


@pytest.mark.parametrize("rate", RATES)
def test_a_region_inside_a_song(rate: int):
    start, end = 10 * rate + 7, 14 * rate + 3
    window = plan_frames(start, end, 60 * rate, rate, handle=rate)
    assert holds(window, start, end)
    assert window.song == (0, window.frames)
    assert window.begin(window.wanted_frames[0]) <= start - rate
    assert window.begin(window.wanted_frames[1]) >= end + rate
    assert window.frames == -(-60 * RATE // FRAME)


def test_context_on_both_sides():
    window = plan_frames(480_000, 500_000, 48_000 * 100, 48_000, surround_seconds=2.0)
    assert 4 < window.seconds < 6
    assert window.frames >= MIN_FRAMES


@pytest.mark.parametrize("rate", RATES)
def test_a_continuation_and_a_lead_in(rate: int):
    song = 20 * rate + 11
    after = plan_frames(song - 5, song + 3 * rate, song, rate)
    assert after.region[1] == after.frames
    assert after.begin(after.region[0]) <= song - 5
    before = plan_frames(-2 * rate, 0, song, rate)
    assert before.first < 0
    assert before.region[0] == 0
    assert before.song[0] == -before.first
    assert before.begin(before.wanted_frames[0]) <= -2 * rate


def test_without_a_song_the_grid_begins_with_the_region():
    window = plan_frames(1_000, 1_000 + 10 * 48_000, 0, 48_000, handle=10, everything=True)
    assert (window.origin, window.first, window.song) == (990, 0, (0, 0))
    assert window.whole


def test_short_windows_are_filled_up():
    assert plan_frames(0, 100, 0, 48_000).frames == MIN_FRAMES
    assert plan_frames(0, 100, 48_000, 48_000).frames == MIN_FRAMES


def test_long_songs_give_the_region_its_surroundings():
    rate = 44_100
    window = plan_frames(400 * rate, 404 * rate, 800 * rate, rate)
    assert window.frames == MAX_FRAMES
    assert holds(window, 400 * rate, 404 * rate)
    near_end = plan_frames(796 * rate, 800 * rate, 800 * rate, rate)
    assert near_end.frames == MAX_FRAMES
    assert near_end.region[1] == near_end.frames


def test_more_than_240_seconds_are_refused():
    assert plan_frames(7, 7 + 240 * 48_000, 300 * 48_000, 48_000).frames <= MAX_FRAMES
    with pytest.raises(CannotRender, match="at most 240 s"):
        plan_frames(0, 250 * 48_000, 0, 48_000)
    with pytest.raises(ValueError, match="at least one sample"):
        plan_frames(5, 5, 0, 48_000)
