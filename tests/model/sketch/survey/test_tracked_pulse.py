"""Beats of songs whose tempo changes."""

import numpy as np
import pytest

from model.sketch.survey.tempogram import tempogram
from model.sketch.survey.tracked_pulse import smoothed, tempo_course, track_pulse
from tests.model.sketch.survey.conftest import bands, made


def test_the_course_follows_a_ramp_without_changing_octave():
    found = tempogram(bands("ramp").rhythm, lambda: None, 7.0, 0.5)
    course = tempo_course(found)
    true = np.interp(found.seconds, made("ramp").beats[:-1], 60.0 / np.diff(made("ramp").beats))
    octaves = np.log2(course / true)
    assert np.ptp(octaves) < 0.1
    assert abs(np.median(octaves) - round(np.median(octaves))) < 0.03


@pytest.mark.parametrize("name", ["ramp", "drift"])
def test_every_beat_has_its_place(name):
    beats, _, clear = track_pulse(bands(name).rhythm, lambda: None)
    true = made(name).beats
    true = np.interp(np.arange(2 * len(true) - 1) / 2, np.arange(len(true)), true)  # or twice as many
    late = np.array([np.abs(true - beat).min() for beat in beats[1:-1]])
    assert np.quantile(late, 0.95) < 0.01
    assert clear > 0.8


def test_smoothing_takes_the_scatter_of_frames_away():
    envelope = bands("drift").rhythm
    beats, _, _ = track_pulse(envelope, lambda: None)
    rough = np.rint(beats * 86.13).astype(int)
    again, _ = smoothed(envelope, rough)
    assert np.std(np.diff(again, 2)) < np.std(np.diff(rough / 86.13, 2))


def test_two_beats_are_kept_as_they_are():
    found, clear = smoothed(np.zeros(100), np.array([10, 50]))
    assert (len(found), clear) == (2, 0.0)
