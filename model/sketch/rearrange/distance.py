"""Euclidean distances between rows of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.analysis.beats import Rows


def distances(a: Rows, b: Rows) -> NDArray[np.float64]:
    """Euclidean distances between the rows of a and b; [len(a), len(b)]."""
    square = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2.0 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)), dtype=np.float64)
