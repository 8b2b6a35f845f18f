"""Half and quarter rates and back, for audio at 88.2 kHz and above; without delay."""

from __future__ import annotations

import numpy as np

from model.engine import Samples
from model.sketch.separation.channel_spectra import Tick

# Frames (of the higher rate) per call: about 40 ms of work; and frames of
# surroundings so that cuts are not heard.
PIECE = 1 << 18
SURROUNDINGS = 1 << 11


def rate_factor(rate: int, highest: int) -> int:
    """1, 2 or 4: by how much to divide `rate` so that it does not exceed `highest`;
    1 where it does not divide."""
    for factor in (1, 2, 4):
        if rate <= highest * factor and rate % factor == 0:
            return factor
    return 1


def at_lower_rate(samples: Samples, factor: int, tick: Tick) -> Samples:
    """Samples [frames, channels] with every `factor`-th frame kept after a low-pass."""
    return samples if factor == 1 else _in_pieces(samples, 1, factor, -(-len(samples) // factor), tick)


def at_full_rate(samples: Samples, factor: int, length: int, tick: Tick) -> Samples:
    """Back from `at_lower_rate`, `length` frames long."""
    return samples if factor == 1 else _in_pieces(samples, factor, 1, length, tick)


def _in_pieces(samples: Samples, up: int, down: int, length: int, tick: Tick) -> Samples:
    from scipy.signal import resample_poly

    out = np.zeros((length, samples.shape[1]), dtype=np.float32)
    step = PIECE // up  # a multiple of `down`, so that every piece falls on the same grid
    for first in range(0, len(samples), step):
        heard = max(first - SURROUNDINGS, 0)
        piece = resample_poly(samples[heard : first + step + SURROUNDINGS], up, down, axis=0)
        at, skip = first * up // down, (first - heard) * up // down
        room = min(step * up // down, length - at, len(piece) - skip)
        out[at : at + room] = piece[skip : skip + room]
        tick()
    return out
