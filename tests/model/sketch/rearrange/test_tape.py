"""Tapes read the right frames, silence outside, and each other."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.rearrange.tape import Delayed, Difference, Mirrored, Moved

COUNT = np.arange(1, 11, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    ("offset", "start", "end", "expected"),
    [
        (0, 0, 3, [1, 2, 3]),
        (2, 0, 3, [3, 4, 5]),
        (-2, 0, 4, [0, 0, 1, 2]),
        (0, 8, 12, [9, 10, 0, 0]),
        (0, -5, -2, [0, 0, 0]),
        (100, 0, 2, [0, 0]),
    ],
)
def test_moved(offset: int, start: int, end: int, expected: list[float]) -> None:
    assert Moved(COUNT, offset).read(start, end)[:, 0].tolist() == expected


def test_mirrored_goes_on_smoothly_and_dies_away() -> None:
    assert Mirrored(COUNT, 3).read(8, 15)[:, 0].tolist() == pytest.approx([9, 10, 11, 9, 3.25, 0, 0])


def test_delayed_and_difference() -> None:
    assert Delayed(Moved(COUNT), 2).read(2, 4)[:, 0].tolist() == [1, 2]
    assert Difference(Moved(COUNT), Delayed(Moved(COUNT), 1)).read(1, 4)[:, 0].tolist() == [1, 1, 1]


def test_reading_gives_a_new_array() -> None:
    audio = COUNT.copy()
    Moved(audio).read(0, 3)[:] = 0
    assert np.array_equal(audio, COUNT)
