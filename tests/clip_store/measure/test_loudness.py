import json

import numpy as np
import pytest

from clip_store.audio.audio import RATES
from clip_store.measure.loudness import (
    CEILING_DBTP,
    MAX_GAIN_DB,
    Limit,
    Target,
    loudness,
    match_gain,
    peak_db,
    true_peak_db,
)
from tests.clip_store.sounds import noise, tone

RATE = 48000
NOTHING = np.zeros((0, 1))


def sine(level_db: float, seconds: float = 3.0, channels: int = 1):
    return tone(int(seconds * RATE), RATE, 997.0, 10 ** (level_db / 20), channels)


@pytest.mark.parametrize("rate", RATES)
def test_the_reference_tone(rate):
    """BS.1770-4: a 997 Hz sine at 0 dBFS in one channel reads -3.01 LKFS; EBU Tech 3341 allows 0.1 LU."""
    assert loudness(tone(3 * rate, rate, 997.0, 1.0), rate) == pytest.approx(-3.01, abs=0.1)
    assert loudness(tone(3 * rate, rate, 997.0, 0.1, 2), rate) == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize("frames", [1, 2, 100, 4800, 19199, 19200, 19201])
def test_short_stretches_have_a_loudness(frames):
    value = loudness(noise(frames, level=0.5), RATE)
    assert -60 < value < 0


def test_a_short_tone_reads_nearly_as_the_long_one():
    assert loudness(sine(-20, 0.1), RATE) == pytest.approx(loudness(sine(-20), RATE), abs=0.5)


@pytest.mark.parametrize("rate", RATES)
def test_the_step_to_a_whole_block_is_smooth(rate):
    block = round(0.4 * rate)
    values = [loudness(tone(frames, rate, 997.0), rate) for frames in range(block - 3, block + 4)]
    assert max(values) - min(values) < 0.01


def test_silence():
    assert loudness(NOTHING, RATE) == -np.inf
    assert loudness(np.zeros((RATE, 2)), RATE) == -np.inf
    assert loudness(sine(-100), RATE) == -np.inf
    assert peak_db(NOTHING) == true_peak_db(NOTHING, RATE) == -np.inf


@pytest.mark.parametrize("rate", [44100, 48000, 88200, 96000])
def test_true_peak_between_samples(rate):
    """BS.1770-4 annex 2: a sine at a quarter of the rate, sampled at 45 degrees, peaks 3 dB above its samples."""
    wave = np.sin(np.pi / 2 * np.arange(rate) + np.pi / 4)[:, None] * np.hanning(rate)[:, None]
    assert peak_db(wave) == pytest.approx(-3.01, abs=0.01)
    assert true_peak_db(wave, rate) == pytest.approx(0.0, abs=0.2)


def test_the_replaced_stretch_is_the_aim():
    """A quiet bar between loud ones stays quiet."""
    match = match_gain(sine(-18), sine(-24), sine(-6), sine(-6), RATE, -1.0)
    assert match.target is Target.REPLACED
    assert match.gain_db == pytest.approx(-6.0, abs=0.05)
    assert match.limited_by is Limit.NOTHING
    assert match.replaced_lufs == pytest.approx(-27.0, abs=0.1)
    assert match.neighbours_lufs == pytest.approx(-9.0, abs=0.1)


def test_the_neighbours_are_the_aim_where_nothing_was():
    for replaced in (NOTHING, np.zeros((RATE, 1)), sine(-80)):
        match = match_gain(sine(-18), replaced, sine(-12), sine(-12), RATE, -1.0)
        assert match.target is Target.NEIGHBOURS
        assert match.gain_db == pytest.approx(6.0, abs=0.05)
    one_side = match_gain(sine(-18), NOTHING, sine(-12), NOTHING, RATE, -1.0)
    assert one_side.gain_db == pytest.approx(6.0, abs=0.05)


def test_json_of_a_match():
    told = match_gain(sine(-18), NOTHING, sine(-12), NOTHING, RATE, -1.0).as_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["replaced_lufs"] is None
    assert (told["target"], told["limited_by"]) == ("neighbours", "nothing")


def test_only_three_seconds_of_each_neighbour_count():
    before = np.concatenate([sine(-6, 5), sine(-20)])
    after = np.concatenate([sine(-20), sine(-6, 5)])
    assert match_gain(sine(-20), NOTHING, before, after, RATE, -1.0).gain_db == pytest.approx(0, abs=0.05)


def test_nothing_to_match_leaves_the_render_alone():
    for render, around in ((sine(-18), NOTHING), (np.zeros((RATE, 1)), sine(-6))):
        match = match_gain(render, NOTHING, around, around, RATE, -1.0)
        assert (match.gain_db, match.target) == (0.0, Target.NOTHING)


@pytest.mark.parametrize(("render", "replaced", "sign"), [(-40, -12, 1), (-6, -40, -1)])
def test_the_gain_has_a_range(render, replaced, sign):
    match = match_gain(sine(render), sine(replaced), NOTHING, NOTHING, RATE, 0.0)
    assert (match.gain_db, match.limited_by) == (sign * MAX_GAIN_DB, Limit.RANGE)


def test_peaks_stay_below_the_ceiling():
    spiky = sine(-30)
    spiky[RATE, 0] = 0.5
    match = match_gain(spiky, sine(-22), NOTHING, NOTHING, RATE, -20.0)
    assert match.limited_by is Limit.TRUE_PEAK
    assert true_peak_db(spiky * 10 ** (match.gain_db / 20), RATE) == pytest.approx(CEILING_DBTP, abs=0.01)


def test_a_hot_song_may_stay_hot():
    assert match_gain(sine(-6), sine(0), NOTHING, NOTHING, RATE, 0.0).gain_db == pytest.approx(6.0, abs=0.1)


def test_a_render_that_clips_is_turned_down_even_if_it_matches():
    match = match_gain(sine(3), sine(3), NOTHING, NOTHING, RATE, -1.0)
    assert match.limited_by is Limit.TRUE_PEAK
    assert match.gain_db == pytest.approx(-4.0, abs=0.1)
