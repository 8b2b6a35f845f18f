"""Onset envelopes: where they peak, in which band, and that loudness makes no difference."""

import numpy as np

from model.sketch.survey.onset_bands import onset_bands, strength_at, strength_near
from tests.model.sketch.survey.conftest import bands, made
from tests.model.sketch.survey.rhythm_songs import RATE, make, steady


def test_beats_stand_out_where_they_are():
    full, beats = bands("four").full, made("four").beats[1:-1]
    at, between = strength_at(full, beats), strength_at(full, beats + 0.13 * np.diff(beats)[0])
    assert at.mean() > 4.0 * between.mean()
    late = np.arange(-0.03, 0.031, 0.002)
    scores = [strength_at(full, beats + shift).mean() for shift in late]
    assert abs(late[int(np.argmax(scores))]) <= 0.006


def test_kicks_are_in_the_low_band_and_hats_on_top():
    figure = (("kick", 0.0, 1.0), ("hat", 1.0, 0.5), ("kick", 2.0, 1.0), ("hat", 3.0, 0.5))
    song = make(steady(120.0, 6), figure)
    found = onset_bands(song.song.samples[:, 0], lambda: None)
    kicks, hats = song.beats[2:-1:4], song.beats[3:-1:4]
    assert strength_near(found.low, kicks).mean() > 3.0 * strength_near(found.low, hats).mean()
    assert strength_near(found.top, hats).mean() > 1.0


def test_a_song_that_begins_on_its_first_sample_has_an_onset_there():
    assert strength_near(bands("drift").full, np.array([0.0]))[0] > 0.5


def test_silence_has_no_onsets_and_nothing_is_found_outside_a_song():
    silent = onset_bands(np.zeros(RATE, np.float32), lambda: None)
    assert not silent.full.any()
    assert strength_at(bands("four").full, np.array([-5.0, 1e4])).tolist() == [0.0, 0.0]
