"""How sharp a song's attacks are: what a click has most of, and most of it lies above what the 22 kHz copy holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p


def sharpest(mono: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The greatest third difference of a signal in each 1 / SHARPNESS_STEPS second, linear; [steps].

    It grows by 18 dB an octave. At high rates samples further apart are compared, so that it means the same.
    """
    apart = max(round(rate / p.SHARPNESS_RATE), 1)
    if len(mono) <= 3 * apart:
        return np.zeros(0, np.float32)
    later, earlier = mono[apart:], mono[:-apart]
    slope = later - earlier
    bend = slope[apart:] - slope[:-apart]
    rough = np.abs(bend[apart:] - bend[:-apart])
    steps = np.arange(0, -(-len(rough) * p.SHARPNESS_STEPS // rate))
    return np.asarray(np.maximum.reduceat(rough, steps * rate // p.SHARPNESS_STEPS), dtype=np.float32)


def at_times(steps: NDArray[np.float32], seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sharpness in dB of the sharpest step within SHARPNESS_REACH_SECONDS of each time; [times]."""
    reach = round(p.SHARPNESS_REACH_SECONDS * p.SHARPNESS_STEPS)
    padded = np.pad(steps, 2 * reach + 1)
    middle = np.clip(np.rint(seconds * p.SHARPNESS_STEPS).astype(np.int64), -reach, len(steps) + reach)
    near = padded[middle[:, None] + 2 * reach + 1 + np.arange(-reach, reach)[None]]
    return np.asarray(20.0 * np.log10(np.maximum(near.max(axis=1), p.SHARPNESS_FLOOR)), dtype=np.float32)
