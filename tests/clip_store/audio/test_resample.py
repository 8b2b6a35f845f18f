import itertools

import numpy as np
import pytest

from clip_store.audio.audio import RATES
from clip_store.audio.resample import resample
from tests.clip_store.sounds import noise, tone

PAIRS = list(itertools.permutations(RATES, 2))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_impulse_stays_at_its_time(source, target):
    impulse = np.zeros((source, 1))
    at = source // 3
    impulse[at] = 1.0
    converted = resample(impulse, source, target, target)
    assert abs(int(np.abs(converted).argmax()) - at * target / source) <= 1


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_sine_stays_in_phase(source, target):
    """Against the same sine made at the target rate: no delay, no gain, to -100 dB away from the ends."""
    converted = resample(tone(source, source, 997.0), source, target, target)
    expected = tone(target, target, 997.0)
    middle = slice(target // 10, -target // 10)
    assert np.abs(converted[middle] - expected[middle]).max() < 1e-5


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("frames", [1, 2, 1000, 47999, 48000, 48001])
def test_the_length_is_exact(source, target, frames):
    enough = -(-frames * source // target)
    assert resample(noise(enough), source, target, frames).shape == (frames, 2)
    assert resample(noise(enough - 1), source, target, frames).shape == (frames, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rates_pass_unchanged(dtype):
    samples = noise(1000).astype(dtype)
    assert np.array_equal(resample(samples, 48000, 48000, 990), samples[:990])
    converted = resample(samples, 48000, 44100, 900)
    assert converted.dtype == dtype


@pytest.mark.parametrize("rates", [(48000, 44100), (44100, 48000), (48000, 48000)])
def test_too_short_a_render_is_refused_with_both_numbers(rates):
    source, target = rates
    with pytest.raises(ValueError, match=f"1000 samples at {source} Hz are too short for"):
        resample(noise(1000), source, target, 1002 * target // source + 1)


def test_there_and_back_again():
    samples = noise(48000)
    from scipy.signal import butter, sosfiltfilt

    low = sosfiltfilt(butter(8, 15000, fs=48000, output="sos"), samples, axis=0)
    up = resample(low, 48000, 96000, 96000)
    back = resample(up, 96000, 48000, 48000)
    assert np.abs(back - low)[1000:-1000].max() < 1e-6
