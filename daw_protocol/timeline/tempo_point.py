"""A point of the tempo curve."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.bar_grid import MAX_QUARTERS
from daw_protocol.timeline.exact_number import check_coordinate, exact

# More than any song needs; the limit keeps a message from a client from filling the memory.
MAX_POINTS = 10_000

MIN_BPM = 5
MAX_BPM = 1000


@dataclass(frozen=True)
class TempoPoint:
    """From `quarter` on the tempo is `bpm`, always in quarter notes per minute, whatever the time signature.

    With `ramp` the tempo changes linearly *in time* from here to the next point's bpm, like REAPER's "linear"
    tempo markers; without, it holds until the next point. On the last point `ramp` has no effect.

    Raises TypeError for wrong types, ValueError for a quarter outside 0..10,000,000 or bpm outside 5..1000.
    """

    quarter: Fraction
    bpm: Fraction
    ramp: bool = False

    def __post_init__(self) -> None:
        for name in ("quarter", "bpm"):
            object.__setattr__(self, name, exact(name, getattr(self, name)))
        check_coordinate("quarter", self.quarter, 0, MAX_QUARTERS)
        check_coordinate("bpm", self.bpm, MIN_BPM, MAX_BPM)
        if not isinstance(self.ramp, bool):
            raise TypeError(f"ramp must be True or False, got {self.ramp!r}")
