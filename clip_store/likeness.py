"""How alike two stretches of sound are, whatever offset and drift lie below what anybody hears.

A constant offset (DC) is common in recordings and bounces. Left in, it makes any two passages of a song alike: one
that was rearranged would measure as unchanged, and its crossfade would be chosen for equal sounds.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Samples
from model.dsp.offset import without_drift

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


def power(samples: Samples) -> float:
    """The sum of the squares of all samples."""
    flat = samples.astype(np.float64, copy=False).ravel()
    return float(flat @ flat)
