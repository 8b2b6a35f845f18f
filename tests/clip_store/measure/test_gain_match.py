import numpy as np
import pytest

from clip_store.measure.gain_match import (
    CEILING_DBTP,
    MAX_GAIN_DB,
    Limit,
    Target,
    match_gain,
)
from model.dsp.loudness import decibels, true_peak
from tests.clip_store.sounds import tone

RATE = 48000
NOTHING = np.zeros((0, 1))


def sine(level_db: float, seconds: float = 3.0, channels: int = 1):
    return tone(int(seconds * RATE), RATE, 997.0, 10 ** (level_db / 20), channels)


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
    assert decibels(true_peak(spiky * 10 ** (match.gain_db / 20))) == pytest.approx(CEILING_DBTP, abs=0.01)


def test_a_hot_song_may_stay_hot():
    assert match_gain(sine(-6), sine(0), NOTHING, NOTHING, RATE, 0.0).gain_db == pytest.approx(6.0, abs=0.1)


def test_a_render_that_clips_is_turned_down_even_if_it_matches():
    match = match_gain(sine(3), sine(3), NOTHING, NOTHING, RATE, -1.0)
    assert match.limited_by is Limit.TRUE_PEAK
    assert match.gain_db == pytest.approx(-4.0, abs=0.1)
