"""A loop reader: laps that fade into each other, ends that fade out, gain."""

from fractions import Fraction

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.loop_clock import LoopClock
from bridge_server.audition.loop_reader import WRAP_SECONDS, LoopReader, rising
from bridge_server.audition.resampled_audio import ResampledAudio

RATE = 48000
FADE = round(WRAP_SECONDS * RATE)
SONG = np.random.default_rng(0).uniform(-0.5, 0.5, (10_000, 2)).astype(np.float32)
START, END = 2000, 5000


def reader(loops=True, gain=1.0, until=None):
    clock = LoopClock(0, START, Fraction(START), Fraction(END), loops)
    return LoopReader(ResampledAudio(LayeredAudio(SONG, RATE), RATE, 2), clock, gain, until)


def test_the_end_of_a_lap_fades_into_what_lies_before_the_start():
    lap = reader().read(0, END - START)
    assert np.array_equal(lap[:-FADE], SONG[START : END - FADE])
    ramp = ((np.arange(FADE, dtype=np.float32) + np.float32(0.5)) / np.float32(FADE))[:, None]
    expected = SONG[END - FADE : END] + (SONG[START - FADE : START] - SONG[END - FADE : END]) * ramp
    assert np.array_equal(lap[-FADE:], expected)


def test_the_first_beat_of_every_lap_is_untouched():
    laps = reader().read(0, 3 * (END - START))
    assert np.array_equal(laps[END - START : END - START + 100], SONG[START : START + 100])


@pytest.mark.parametrize("block", [1, 7, 240, 2048])
def test_blocks_join_to_the_whole(block):
    whole = reader().read(0, 7000)
    parts = [reader().read(frame, min(block, 7000 - frame)) for frame in range(0, 7000, block)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_range_that_ends_inside_the_song_fades_out_and_stays_silent():
    ending = reader(loops=False, until=END)
    played = ending.read(0, END - START + 500)
    assert np.array_equal(played[: END - START - FADE], SONG[START : END - FADE])
    assert not played[END - START :].any()
    assert 0 < np.abs(played[END - START - FADE // 2]).max() < np.abs(SONG).max()
    assert not ending.ended_at(END - START - 1)
    assert ending.ended_at(END - START)


def test_the_songs_own_end_is_not_faded():
    played = reader(loops=False, until=len(SONG)).read(0, len(SONG) - START)
    assert np.array_equal(played, SONG[START:])


def test_gain_is_a_factor_and_one_leaves_every_bit():
    assert np.array_equal(reader(gain=0.5).read(0, 100), SONG[START : START + 100] * np.float32(0.5))
    assert np.array_equal(reader().read(0, 100), SONG[START : START + 100])


def test_a_ramp_and_its_mirror_image_sum_to_one():
    ramp = rising(0, 100, 100)
    assert np.allclose(ramp + ramp[::-1], 1)
    assert np.array_equal(rising(90, 20, 100)[10:], np.ones((10, 1), np.float32))
    assert np.array_equal(rising(40, 10, 100), ramp[40:50])
