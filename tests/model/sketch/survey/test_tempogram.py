"""Tempograms: which tempos show, and their share of a song."""

import numpy as np
import pytest

from model.sketch.survey.tempogram import TEMPOS, peaks, preference, tempogram
from tests.model.sketch.survey.conftest import bands


def test_the_tempo_and_its_octaves_show():
    found = tempogram(bands("four").rhythm, lambda: None)
    near = peaks(found.mean * preference(TEMPOS, 115.0, 0.9), 4)
    assert any(abs(np.log2(tempo / 121.0)) < 0.01 for tempo in near)
    assert found.share_at(121.0, 0.02) > 0.95
    assert found.share_at(113.0, 0.02) < 0.1


def test_a_ramp_is_at_no_tempo_for_long():
    found = tempogram(bands("ramp").rhythm, lambda: None)
    assert max(found.share_at(tempo, 0.02) for tempo in (95.0, 105.0, 115.0)) < 0.5
    course = np.interp(found.seconds, [0.0, 36.0], [92.0, 124.0])
    assert found.along(course) > 2.0 * found.along(course * 1.2)


def test_the_preferred_tempo_is_liked_most():
    assert preference(118.0, 118.0, 0.5) == pytest.approx(1.0)
    assert preference(236.0, 118.0, 0.5) == pytest.approx(preference(59.0, 118.0, 0.5))


def test_peaks_come_best_first_and_there_is_always_one():
    curve = np.zeros(len(TEMPOS))
    curve[[50, 150]] = 1.0, 2.0
    assert peaks(curve, 2) == [TEMPOS[150], TEMPOS[50]]
    assert len(peaks(np.zeros(len(TEMPOS)), 3)) == 1


def test_a_song_shorter_than_a_window_has_one():
    assert len(tempogram(np.ones(50), lambda: None).seconds) == 1
