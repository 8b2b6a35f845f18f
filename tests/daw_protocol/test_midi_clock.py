"""MIDI clock with all that makes it uneven: jitter, bursts, lost clocks, jumps and ramps. No time passes here."""

import random
from fractions import Fraction

import pytest

from daw_protocol.midi_clock import ClockFollower, ClockReading, ClockTempo, SongMoved, TempoMeant, snapped


def row(bpm, clocks, start=0.0):
    return [start + n * 60 / (bpm * 24) for n in range(clocks)]


def late(moments, milliseconds, seed=1):
    """Each moment as it arrives: never early, later by an exponential delay, in order."""
    chance = random.Random(seed)
    arrived = []
    for moment in moments:
        at = moment + chance.expovariate(1000 / milliseconds)
        arrived.append(max(at, arrived[-1] + 1e-5) if arrived else at)
    return arrived


def read(moments):
    tempo = ClockTempo()
    for moment in moments:
        tempo.clock(moment)
    return tempo.reading()


@pytest.mark.parametrize("bpm", [5.5, 40, 93.7, 120, 174, 300, 999])
def test_an_even_clock_is_read_exactly(bpm):
    reading = read(row(bpm, 60))
    assert reading.bpm == pytest.approx(bpm, rel=1e-9)
    assert reading.jitter_ms < 1e-6
    assert reading.lost == 0


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("milliseconds", [0.5, 1.5])
def test_jitter_is_averaged_out_and_reported(milliseconds, seed):
    """A USB interface has about half a millisecond, JACK with small buffers 1.6."""
    reading = read(late(row(120, 96), milliseconds, seed))
    assert abs(reading.bpm - 120) < 0.4 * milliseconds
    assert abs(reading.bpm - 120) < 6 * reading.error  # the uncertainty it claims is of the right size
    assert 0.2 * milliseconds < reading.jitter_ms < 2 * milliseconds


def test_a_hiccup_of_the_machine_does_not_move_the_tempo():
    moments = late(row(120, 60), 0.5)
    moments[54:58] = [moments[57] + 0.001 + n * 1e-4 for n in range(4)]  # four clocks at once, 60 ms late
    assert read(moments).bpm == pytest.approx(120, abs=0.15)


def test_lost_clocks_are_counted_and_not_taken_for_a_slower_tempo():
    moments = [moment for n, moment in enumerate(row(120, 90)) if n not in (50, 61, 62)]
    reading = read(moments)
    assert reading.bpm == pytest.approx(120, rel=1e-6)
    assert reading.lost == 3


def test_nothing_is_reported_before_a_quarter_note():
    assert read(row(120, 23)) is None
    assert read(row(120, 24)) is not None


def test_after_a_pause_it_begins_anew():
    reading = read([*row(120, 60), *row(90, 30, start=60.0)])
    assert reading.bpm == pytest.approx(90, rel=1e-6)


def test_a_row_of_clocks_faster_than_any_music_is_no_tempo():
    assert read(row(4000, 100)) is None


def follow(follower, moments):
    return [entry for moment in moments for entry in follower.clock(moment) if isinstance(entry, TempoMeant)]


def test_a_jump_is_followed_within_a_beat_and_reported_once():
    follower = ClockFollower()
    before = late(row(120, 96), 0.5)
    assert [entry.bpm for entry in follow(follower, before)] == [120]
    after = follow(follower, late(row(140, 96, start=before[-1] + 60 / 140 / 24), 0.5, seed=2))
    assert after[-1].bpm == 140
    assert len(after) <= 3
    assert all(135 < entry.bpm < 145 for entry in after)  # nothing in between is reported


def test_a_ramp_is_followed_within_a_beat():
    follower = ClockFollower()
    at, bpm, reported = 0.0, 100.0, []
    for n in range(24 * 32):  # 100 to 132 in 32 beats
        bpm = 100 + n / 24
        reported += [(bpm, entry.bpm) for entry in follower.clock(at)]
        at += 60 / bpm / 24
    assert len(reported) > 20
    assert all(abs(true - received) < 1.6 for true, received in reported[1:])


def test_a_steady_clock_with_jitter_is_reported_once():
    reported = follow(ClockFollower(), late(row(97, 24 * 120), 1.0))
    assert [entry.bpm for entry in reported] == [97]
    assert reported[0].reading.jitter_ms > 0


@pytest.mark.parametrize(
    ("bpm", "error", "meant"),
    [(119.96, 0.02, 120), (119.96, 0.001, 119.96), (128.499, 0.5, 128.5), (93.7001, 0.0, 93.7)],
)
def test_a_whole_number_is_meant_where_it_may_be(bpm, error, meant):
    assert snapped(ClockReading(bpm, error, 1.0, 0)) == meant


def test_positions():
    follower = ClockFollower()
    assert follower.song_position(64) == [SongMoved(Fraction(16), False)]
    assert follower.go_on() == [SongMoved(Fraction(16), True)]
    moved = [
        entry for moment in row(120, 49) for entry in follower.clock(moment) if isinstance(entry, SongMoved)
    ]
    assert [entry.quarters for entry in moved] == [16, 17, 18]
    assert follower.stop() == [SongMoved(Fraction(16 * 24 + 49, 24), False)]
    assert not any(
        isinstance(entry, SongMoved) for moment in row(120, 24, 9) for entry in follower.clock(moment)
    )
    assert follower.start() == [SongMoved(Fraction(0), True)]
