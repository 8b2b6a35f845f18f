"""Power in mel bands of frames of sound: what two moments are compared by."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Samples

_BANDS = 40
_LOWEST_HZ = 40.0
_HIGHEST_HZ = 16000.0
FLOOR = 1e-7
"""-70 dB of power: below it differences are inaudible."""


def mel_bands(frames: Samples, rate: int) -> NDArray[np.float64]:
    """Power in mel bands [n, bands] of frames [n, length, channels], channels added."""
    length = frames.shape[1]
    window = np.hanning(length).astype(frames.dtype)
    spectrum = np.fft.rfft(frames * window[:, None], axis=1)
    # One-sided power; 0.375 is the mean square of a Hann window. A full-scale sine gives 1/2.
    power = (np.abs(spectrum) ** 2).sum(axis=2) * 2 / (length**2 * 0.375)
    banded: NDArray[np.float64] = power @ _mel(length, rate)
    return banded


@lru_cache(maxsize=8)
def _mel(length: int, rate: int) -> NDArray[np.float64]:
    """Triangular mel filters [bins, bands] (2595 log10(1 + f / 700), O'Shaughnessy 1987)."""
    top = min(_HIGHEST_HZ, rate / 2)
    edges = np.linspace(_to_mel(_LOWEST_HZ), _to_mel(top), _BANDS + 2)
    centres = 700 * (10 ** (edges / 2595) - 1)
    bins = np.fft.rfftfreq(length, 1 / rate)[:, None]
    rising = (bins - centres[:-2]) / (centres[1:-1] - centres[:-2])
    falling = (centres[2:] - bins) / (centres[2:] - centres[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def _to_mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))
