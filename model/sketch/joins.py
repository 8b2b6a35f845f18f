"""From one voice to the next without a click: crossfades whose gains follow how alike the two sides are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.engine import Samples


def likeness(a: Samples, b: Samples) -> float:
    """Normalised correlation of two equally long passages, -1..1; 0 when either is silent."""
    energy = float(np.sqrt(np.sum(np.square(a, dtype=np.float64)) * np.sum(np.square(b, dtype=np.float64))))
    return float(np.sum(a.astype(np.float64) * b)) / energy if energy > 1e-12 else 0.0


def fade_gains(length: int, rho: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Falling and rising gains [length]: equal power for unrelated sides (rho 0), linear for equal (1)."""
    angle = np.arange(length) / max(length, 1) * (np.pi / 2.0)
    fall, rise = np.cos(angle), np.sin(angle)
    # Below -0.5 the two sides cancel: making up for it would only raise noise.
    level = np.sqrt(1.0 + 2.0 * float(np.clip(rho, -0.5, 1.0)) * fall * rise)
    return (fall / level).astype(np.float32), (rise / level).astype(np.float32)


def crossfade(old: Samples, new: Samples) -> Samples:
    """`old` turning into `new` over their whole common length."""
    fall, rise = fade_gains(len(old), likeness(old, new))
    return np.asarray(old * fall[:, None] + new * rise[:, None], dtype=np.float32)
