"""The times of the steps: 1 is noise, 0 is music.

The published code bends them twice towards the noisy end, so the last step does almost nothing; its defaults were
chosen so, and it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

SHIFT = 3.0
_LAST = 0.001  # the base table ends here, before its own shift


@dataclass(frozen=True)
class Schedule:
    """levels: noise at the start of each evaluation, and at the end of the last, 0..1, float32 values.

    Heun's evaluations come in pairs, so its levels do too.
    """

    levels: tuple[float, ...]

    @property
    def evaluations(self) -> int:
        return len(self.levels) - 1

    @property
    def times(self) -> tuple[float, ...]:
        """What the network gets: 0..1000, float32 values."""
        return tuple(float(np.float32(level) * np.float32(1000)) for level in self.levels[:-1])


Level = TypeVar("Level", float, NDArray[np.float32], NDArray[np.float64])


def bent(level: Level) -> Level:
    """s(x) = 3 x / (1 + 2 x)."""
    return SHIFT * level / (1 + (SHIFT - 1) * level)


LOWEST = bent(_LAST)
"""The lowest level before the second shift, 0.002994."""


def euler(steps: int, highest: float = 1.0) -> Schedule:
    """The levels of `steps` steps. highest: the level before the second shift that the first step has."""
    return Schedule((*_levels(steps, highest), 0.0))


def heun(steps: int) -> Schedule:
    """Every step but the first is visited twice: 2 steps - 1 evaluations."""
    levels = _levels(steps, 1.0)
    return Schedule((levels[0], *(level for each in levels[1:] for level in (each, each)), 0.0))


def picked(steps: Sequence[int]) -> Schedule:
    """Chosen steps, counted from 1, of a schedule with as many steps as the last; they are bent once more."""
    levels = np.array(_levels(max(steps), 1.0), dtype=np.float32)[np.array(steps) - 1]
    return Schedule((*(float(level) for level in bent(levels)), 0.0))


def _levels(steps: int, highest: float) -> tuple[float, ...]:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    even = np.linspace(highest, LOWEST, steps, dtype=np.float64)
    return tuple(_rounded(level) for level in bent(even))


def _rounded(level: float) -> float:
    return float(np.float32(level))
