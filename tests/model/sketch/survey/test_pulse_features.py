"""Features of pulses: accents stand on downbeats."""

import numpy as np

from model.sketch.survey.pulse_features import pulse_features, scaled
from tests.model.sketch.survey.conftest import bands, heard, made


def test_accents_are_greatest_on_downbeats():
    beats = made("four").beats[:-1]
    found = pulse_features(beats, bands("four"), heard("four"), lambda: None)
    accents = found.accents(2)
    profile = [accents[place::4].mean() for place in range(4)]
    assert int(np.argmax(profile)) == 0
    assert abs(found.tuning) < 0.05


def test_scaled_values_have_no_mean_and_a_width_of_one():
    found = scaled(np.array([1.0, 2.0, 3.0, 10.0]))
    assert abs(found.mean()) < 1e-12
    assert abs(found.std() - 1.0) < 1e-6
    assert not scaled(np.ones(5)).any()
