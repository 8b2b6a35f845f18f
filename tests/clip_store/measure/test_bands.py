"""Band powers: a tone's power lies in its band, whatever the rate."""

import numpy as np
import pytest

from clip_store.measure.bands import mel_bands
from tests.clip_store.sounds import tone


@pytest.mark.parametrize("rate", [44100, 96000])
def test_a_tones_power_is_in_the_bands_around_it(rate: int) -> None:
    frames = tone(1024, rate, hertz=1000.0, level=1.0, channels=2)[None]
    (bands,) = mel_bands(frames, rate)
    centres = 700 * (10 ** (np.linspace(15.4, 3556, 42)[1:-1] / 2595) - 1)  # 40 Hz to 16 kHz, 40 of them
    assert 800 < centres[bands.argmax()] < 1250
    assert bands.sum() == pytest.approx(1.0, rel=0.25)  # 0.5 for each channel


def test_silence_has_none() -> None:
    assert not mel_bands(np.zeros((2, 1024, 1)), 44100).any()
