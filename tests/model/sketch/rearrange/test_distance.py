"""Distances between rows."""

import numpy as np
import pytest

from model.sketch.rearrange.distance import distances


def test_distances_are_euclidean() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 7)).astype(np.float32), rng.normal(size=(4, 7)).astype(np.float32)
    direct = np.linalg.norm(a[:, None] - b[None], axis=2)
    assert distances(a, b) == pytest.approx(direct, abs=1e-5)
