"""Which frame of the song sounds at which frame of the output."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.audition.loop_clock import LoopClock


def positions(clock, frame, frames):
    """Frame by frame, from the runs."""
    found = []
    for run in clock.runs(frame, frames):
        assert run.offset == len(found)
        found += range(run.position, run.position + run.frames)
        assert run.lap_end is None or run.position + run.frames <= run.lap_end
    return found


def test_a_loop_is_looping():
    clock = LoopClock(100, 10, Fraction(10), Fraction(14), True)
    assert positions(clock, 100, 10) == [10, 11, 12, 13, 10, 11, 12, 13, 10, 11]


def test_a_playhead_before_the_loop_runs_into_it_and_one_behind_it_runs_on():
    before = LoopClock(0, 8, Fraction(10), Fraction(13), True)
    assert positions(before, 0, 8) == [8, 9, 10, 11, 12, 10, 11, 12]
    behind = LoopClock(0, 13, Fraction(10), Fraction(13), True)
    assert positions(behind, 0, 4) == [13, 14, 15, 16]


def test_without_a_loop_it_runs_on():
    clock = LoopClock(5, 0, Fraction(0), Fraction(3), False)
    assert positions(clock, 5, 5) == [0, 1, 2, 3, 4]


@settings(deadline=None)  # a busy machine is no fault of the code
@given(
    length=st.fractions(3, 400, max_denominator=300), start=st.fractions(0, 50, max_denominator=300),
    frame=st.integers(0, 100_000), frames=st.integers(1, 600),
)  # fmt: skip
def test_rounds_of_no_whole_length_stay_in_time(length, start, frame, frames):
    clock = LoopClock(0, round(start), start, start + length, True)
    found = positions(clock, frame, frames)
    assert len(found) == frames
    assert found == [clock.position_at(n) for n in range(frame, frame + frames)]
    for n, position in zip(range(frame, frame + frames), found, strict=True):
        # Never further than a frame from where an exact playhead is.
        exact = n % length
        apart = abs(position - round(start) - exact)
        assert min(apart, length - apart) <= 1


@settings(deadline=None)  # a busy machine is no fault of the code
@given(anchor=st.integers(0, 10_000), at=st.integers(0, 10_000), later=st.integers(0, 5000))
def test_anchored_elsewhere_it_is_the_same_motion(anchor, at, later):
    clock = LoopClock(anchor, 20, Fraction(20), Fraction(120), True)
    moved = clock.at(anchor + at)
    assert moved.position_at(anchor + at + later) == clock.position_at(anchor + at + later)


def test_a_loop_of_nothing_is_none():
    assert not LoopClock(0, 0, Fraction(0), Fraction(0), True).is_looping
    with pytest.raises(StopIteration):
        next(LoopClock(0, 0, Fraction(0), Fraction(9), True).runs(0, 0))
