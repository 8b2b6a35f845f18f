"""What lies below all that can be heard: a constant offset (DC), and one that drifts.

Recordings and bounces often have one. It is no sound: a measure that counts it takes any two passages for alike, a
silent track for music, and the first sample of a stretch for a thump.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
"""float32 or float64, [frames, channels]."""

OFFSET_SECONDS = 0.1
"""What is averaged to find the offset: four periods of the lowest bass note, so that music has next to none."""

MIN_OFFSET = 1e-3
"""An offset below this, -60 dBFS, makes no step and hides none."""

_BLOCK = 1 << 16
_PARTS, _DRIFT = 8, 0.01


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


def drifts(samples: Samples) -> bool:
    """Whether the offset is another one in some parts of the samples: far more than long parts of music differ."""
    parts = [steady_offset(part) for part in np.array_split(samples, _PARTS)]
    return bool(np.ptp(parts, axis=0).max() >= _DRIFT)


def outweighs_sound(samples: Samples, rate: int) -> bool:
    """Whether some channel's offset, steady or drifting, is larger than the sound on it: that of a fault, not of a
    converter. It then stands in the way of everything that listens. In a short stretch nobody can tell."""
    offset = steady_offset(samples)
    if not offset.any() or len(samples) < 2 * OFFSET_SECONDS * rate:
        return False
    mean_square = np.array([float(channel @ channel) for channel in samples.T]) / len(samples)
    return bool((2 * np.square(offset) > mean_square).any())


def sound_of(samples: Samples, rate: int) -> Samples:
    """The samples without offset and drift where there is any that matters; else the same array."""
    return without_drift(samples, rate).astype(samples.dtype) if steady_offset(samples).any() else samples


def first_offset(samples: Samples, rate: int) -> NDArray[np.float64]:
    """The offset of each channel where a stretch begins, [channels]; 0 where the sound is larger."""
    first = samples[: max(1, round(OFFSET_SECONDS * rate))].astype(np.float64)
    if len(first) < OFFSET_SECONDS * rate - 1:
        return np.zeros(samples.shape[1])  # in so short a stretch, a low note is as good as constant
    mean = first.mean(axis=0)
    matters = (np.abs(mean) >= MIN_OFFSET) & (np.square(mean) > first.var(axis=0))
    found: NDArray[np.float64] = np.where(matters, mean, 0.0)
    return found


def is_quiet(samples: Samples, rate: int, limit: float) -> bool:
    """Whether no sound in [frames, channels] swings further than `limit` around its offset, which may drift.

    A stretch shorter than twice OFFSET_SECONDS is taken as it is: there, a low note is as good as constant.
    """
    if max(samples.max(initial=0.0), -samples.min(initial=0.0)) < limit:
        return True
    if len(samples) < 2 * OFFSET_SECONDS * rate:
        return False
    for begin in range(
        0, len(samples), _BLOCK
    ):  # what jumps from sample to sample is no drift: most often at once
        block = samples[begin : begin + _BLOCK + 1]
        if np.abs(np.diff(block, axis=0)).max(initial=0.0) >= 2 * limit + 1e-3:
            return False
    edge = round(OFFSET_SECONDS * rate / 2)  # where the lines have no second point
    return float(np.abs(without_drift(samples, rate)[edge:-edge]).max()) < limit
