"""Beats and seconds of a timeline with tempo steps, there and back, exactly."""

from fractions import Fraction

import pytest

from clip_store.projects.time_frame import BEATS, SECONDS, BeatClock, TimeFrame
from daw_protocol.timeline import TempoMap, TempoPoint

STEPS = TempoMap(
    tuple(TempoPoint(Fraction(at), Fraction(bpm)) for at, bpm in ((0, 120), (8, 60), (12, "127.3")))
)
CLOCK = BeatClock(STEPS)


@pytest.mark.parametrize(("beats", "seconds"), [(-2, -1), (0, 0), (4, 2), (8, 4), (10, 6), (12, 8)])
def test_beats_and_seconds(beats, seconds):
    assert CLOCK.seconds_at(Fraction(beats)) == seconds
    assert CLOCK.beats_at(Fraction(seconds)) == beats


def test_the_clock_is_the_tempo_maps():
    for beats in (Fraction(3, 7), Fraction(9), Fraction(100, 3)):
        assert STEPS.sample_at(beats, 48_000) == round(CLOCK.seconds_at(beats) * 48_000)


def test_steadiness():
    assert CLOCK.is_steady(Fraction(0), Fraction(4))
    assert not CLOCK.is_steady(Fraction(3), Fraction(5))
    assert TimeFrame(CLOCK, SECONDS, Fraction(0), Fraction(0), Fraction(9)).is_steady(
        Fraction(3), Fraction(5)
    )


@pytest.mark.parametrize(("unit", "gone"), [(SECONDS, 2), (BEATS, 3)])
def test_a_frame_without_its_beginning_plays_the_same(unit, gone):
    frame = TimeFrame(CLOCK, unit, Fraction(5), Fraction(3), Fraction(9))
    late = frame.since(Fraction(5))
    assert (late.at, late.start, late.end) == (5 + gone, 5, 9)
    assert late.seconds(Fraction(9)) == frame.seconds(Fraction(9))
    assert frame.since(Fraction(1)) is frame
