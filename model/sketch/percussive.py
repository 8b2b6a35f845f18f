"""What is sudden and broad against what is steady and narrow: the drums' first estimate."""

from __future__ import annotations

import numpy as np

from model.sketch.channel_spectra import Framing, Magnitude, Tick
from model.sketch.separation_parameters import PercussiveParameters

# Cells per median call: about 50 ms of work.
CHUNK_CELLS = 150_000


def median_along_time(magnitude: Magnitude, size: int, tick: Tick) -> Magnitude:
    """Running median over `size` frames (odd) of every bin."""
    from scipy.ndimage import median_filter

    out = np.empty_like(magnitude)
    rows = max(CHUNK_CELLS // max(magnitude.shape[1], 1), 1)
    for first in range(0, len(magnitude), rows):
        out[first : first + rows] = median_filter(magnitude[first : first + rows], (1, size), mode="nearest")
        tick()
    return out


def median_along_frequency(magnitude: Magnitude, size: int, tick: Tick) -> Magnitude:
    """Running median over `size` bins (odd) of every frame."""
    from scipy.ndimage import median_filter

    out = np.empty_like(magnitude)
    columns = max(CHUNK_CELLS // len(magnitude), 1)
    for first in range(0, magnitude.shape[1], columns):
        block = slice(first, first + columns)
        out[:, block] = median_filter(magnitude[:, block], (size, 1), mode="nearest")
        tick()
    return out


def percussive_mask(
    magnitude: Magnitude, framing: Framing, parameters: PercussiveParameters, tick: Tick
) -> Magnitude:
    """Part of every cell that belongs to a hit, 0..1; [bins, frames]."""
    steady = median_along_time(magnitude, framing.odd_frames(parameters.time_seconds), tick)
    sudden = median_along_frequency(magnitude, framing.odd_bins(parameters.span_hertz), tick)
    power = sudden**2
    return np.asarray(power / (power + (parameters.beta * steady) ** 2 + 1e-20), dtype=np.float32)
