"""Reads any range of an array, with zeros outside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_window(samples: NDArray[Any], start: int, end: int) -> NDArray[Any]:
    """A new array with frames [start, end) of `samples` [frames, ...], same dtype.

    `start` and `end` may be anywhere, including before the first frame and after the last. Raises ValueError if the end
    is before the start.
    """
    if end < start:
        raise ValueError(f"a window must not end before it starts, got [{start}, {end})")
    found = np.zeros((end - start, *samples.shape[1:]), samples.dtype)
    first, last = max(start, 0), min(end, len(samples))
    if first < last:
        found[first - start : last - start] = samples[first:last]
    return found
