"""How alike two stretches of sound are, whatever offset and drift lie below what anybody hears.

A constant offset (DC) is common in recordings and bounces. Left in, it makes any two passages of a song alike: one
that was rearranged would measure as unchanged, and its crossfade would be chosen for equal sounds.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Samples

OFFSET_SECONDS = 0.1
"""What is averaged to find the offset: four periods of the lowest bass note, so that music has next to none."""

MIN_OFFSET = 1e-3
"""An offset below this, -60 dBFS, makes no step and hides none."""

_BLOCK = 1 << 16
_NOTHING = 1e-18
"""Of a stretch's power, what rounding leaves where only the offset was."""


def correlation(old: Samples, new: Samples, rate: int) -> float:
    """Normalised correlation of two stretches of one shape, -1..1, to six decimals; 0 where one is silent.

    Both are compared without their offset and drift.
    """
    return correlation_of_sound(without_drift(old, rate), without_drift(new, rate), power(old), power(new))


def correlation_of_sound(
    first: NDArray[np.float64], second: NDArray[np.float64], first_power: float, second_power: float
) -> float:
    """As `correlation`, of stretches without drift; the powers are those with it."""
    powers = (power(first), power(second))
    if powers[0] <= first_power * _NOTHING or powers[1] <= second_power * _NOTHING:
        return 0.0
    product = powers[0] * powers[1]
    if product <= 0.0:
        return 0.0
    rho = float(first.ravel() @ second.ravel()) / math.sqrt(product)
    return round(max(-1.0, min(1.0, rho)), 6)


def without_drift(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Samples [frames, channels] less their mean over every OFFSET_SECONDS, as lines from middle to middle; float64."""
    wide = samples.astype(np.float64)
    frames, length = len(wide), max(1, round(OFFSET_SECONDS * rate))
    if frames < 2 * length:
        return wide - wide.mean(axis=0) if frames else wide
    count = frames // length  # the last one is longer, by what is left over
    edges = np.arange(count) * length
    lengths = np.diff(np.append(edges, frames))
    means = np.add.reduceat(wide, edges, axis=0) / lengths[:, None]
    middles, place = edges + (lengths - 1) / 2, np.arange(frames)
    for channel in range(wide.shape[1]):
        wide[:, channel] -= np.interp(place, middles, means[:, channel])
    return wide


def steady_offset(samples: Samples) -> NDArray[np.float64]:
    """The mean of each channel, [channels]; 0 where it is too small to matter."""
    if len(samples) == 0:
        return np.zeros(samples.shape[1])
    total = np.zeros(samples.shape[1])
    for begin in range(
        0, len(samples), _BLOCK
    ):  # as products with ones: a fifth of the time that adding up takes
        block = samples[begin : begin + _BLOCK]
        total += np.ones(len(block), block.dtype) @ block
    mean = total / len(samples)
    found: NDArray[np.float64] = np.where(np.abs(mean) < MIN_OFFSET, 0.0, mean)
    return found


def power(samples: Samples) -> float:
    """The sum of the squares of all samples."""
    flat = samples.astype(np.float64, copy=False).ravel()
    return float(flat @ flat)
