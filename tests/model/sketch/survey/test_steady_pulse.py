"""The pulse of a steady song, to a hundredth of a BPM; and songs that have none."""

import numpy as np
import pytest

from model.sketch.survey.onset_bands import FRAME_RATE
from model.sketch.survey.steady_pulse import PULSES_FROM, find_steady_pulse
from tests.model.sketch.survey.conftest import bands, made


@pytest.mark.parametrize(("near", "tempo"), [(120.2, 121.0), (60.9, 60.5), (243.0, 242.0)])
def test_a_tempogram_peak_nearby_is_enough(near, tempo):
    found = find_steady_pulse(bands("four").rhythm, [near], lambda: None)
    assert found.tempo == pytest.approx(tempo, rel=2e-4)
    assert PULSES_FROM <= found.per_minute < 2 * PULSES_FROM
    beats = made("four").beats
    times = found.times(bands("four").seconds)
    assert max(np.abs(times - beat).min() for beat in beats[1:-1]) < 0.01


@pytest.mark.parametrize("name", ["ramp", "drift"])
def test_a_tempo_that_changes_is_no_steady_one(name):
    assert find_steady_pulse(bands(name).rhythm, [119.0, 108.0, 92.0], lambda: None) is None


def test_noise_has_no_pulse():
    noise = np.abs(np.random.default_rng(0).normal(0.0, 1.0, round(60 * FRAME_RATE)))
    assert find_steady_pulse(noise, [100.0, 120.0, 140.0], lambda: None) is None
