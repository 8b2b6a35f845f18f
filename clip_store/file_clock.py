"""The time of day for judging how old files are: setting the system's clock forward makes none of them old."""

from __future__ import annotations

import time
from collections.abc import Callable


class FileClock:
    """Seconds since 1970, but no more of them than have really passed since the clock was made.

    A clock that is set back counts as it is: files that are written then have its dates.

    wall: the system's clock; steady: one that nobody can set.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()

    def __call__(self) -> float:
        return min(self._wall(), self._steady() + self._offset)


file_clock = FileClock()
"""This process's."""
