"""Stretches inside, across and outside an array."""

import numpy as np
import pytest

from model.dsp.window import read_window


@pytest.mark.parametrize("shape", [(10,), (10, 2), (0, 2)])
@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 10), (2, 5), (-3, 4), (8, 14), (-3, 14), (-5, -2), (12, 15), (4, 4), (-2, -2), (10, 12), (-2, 0)],
)
def test_zeros_stand_where_the_array_is_not(shape, start, end):
    samples = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    found = read_window(samples, start, end)
    assert (found.shape, found.dtype) == ((end - start, *shape[1:]), np.float32)
    for frame in range(start, end):
        inside = 0 <= frame < len(samples)
        assert (found[frame - start] == (samples[frame] if inside else 0)).all()


def test_it_is_a_copy():
    samples = np.ones((10, 2))
    read_window(samples, 0, 10)[:] = 0
    assert samples.all()


def test_it_cannot_end_before_it_starts():
    with pytest.raises(ValueError, match=r"\[5, 4\)"):
        read_window(np.ones(10), 5, 4)
