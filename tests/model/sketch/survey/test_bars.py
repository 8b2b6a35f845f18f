"""Metrical levels, meters and downbeats."""

import numpy as np
import pytest

from model.sketch.survey.bars import Bars, Level, levels, read_bars, second_octave
from model.sketch.survey.pulse_features import pulse_features
from model.sketch.survey.tempogram import tempogram
from tests.model.sketch.survey.conftest import bands, heard, made


def test_the_tempo_people_tap_comes_first():
    found = tempogram(bands("four").rhythm, lambda: None)
    best = levels(np.full(len(found.seconds), 242.0), found)
    assert (best[0].pulses, best[0].tempo) == (2, 121.0)
    assert [level.score for level in best] == sorted((level.score for level in best), reverse=True)


@pytest.mark.parametrize(
    ("others", "second"),
    [([(1, -0.4)], 1), ([(4, -1.0)], 4), ([(4, -2.0)], None), ([(3, -0.1), (1, -0.9)], 1), ([], None)],
)
def test_another_octave_is_named_where_it_comes_near(others, second):
    found = [Level(2, 120.0, 0.0), *(Level(pulses, 240.0 / pulses, score) for pulses, score in others)]
    octave = second_octave(found)
    assert (octave.pulses if octave else None) == second


@pytest.mark.parametrize(
    ("name", "per_beat", "meter"), [("four", 2, "4/4"), ("waltz", 2, "3/4"), ("seven", 1, "7/8")]
)
def test_meter_and_downbeat(name, per_beat, meter):
    beats = made(name).beats
    pulses = np.interp(np.arange(per_beat * (len(beats) - 1)) / per_beat, np.arange(len(beats)), beats)
    features = pulse_features(pulses, bands(name), heard(name), lambda: None)
    found = read_bars(features, 2)
    assert (found.meter, found.first) == (meter, 0)
    assert found.bar == made(name).bar * per_beat


def test_a_song_of_a_bar_has_no_reading():
    features = pulse_features(made("four").beats[:5], bands("four"), heard("four"), lambda: None)
    assert read_bars(features, 2) == Bars("4/4", 2, 8, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("bars", "counted", "quarter"),
    [
        (Bars("4/4", 2, 8, 0, 1, 1), 2, 2),
        (Bars("6/8", 3, 6, 0, 1, 1), 1, 2),
        (Bars("7/8", 2, 7, 0, 1, 1), 1, 2),
    ],
)
def test_beats_as_the_meter_counts_them(bars, counted, quarter):
    assert (bars.counted, bars.quarter) == (counted, quarter)
