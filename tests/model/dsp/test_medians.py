"""Running medians against scipy's own on two axes, value by value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter

from model.dsp.medians import running_medians


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("size", [1, 5, 17, 41])
def test_it_is_what_scipy_gives(size: int, axis: int) -> None:
    values = np.random.default_rng(size).random((30, 23)).astype(np.float32)
    shape = (size, 1) if axis == 0 else (1, size)
    assert np.array_equal(running_medians(values, size, axis), median_filter(values, shape, mode="nearest"))
