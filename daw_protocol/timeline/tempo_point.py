"""A point of the tempo curve."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.bar_grid import MAX_QUARTERS
from daw_protocol.timeline.exact_number import check_coordinate, exact

# More than any song needs; a limit so that a message from outside cannot fill the memory.
MAX_POINTS = 10_000

MIN_BPM = 5
MAX_BPM = 1000


@dataclass(frozen=True)
class TempoPoint:
    """From `quarter` on the tempo is `bpm`, always in quarter notes per minute, whatever the meter.

    With `ramp` the tempo moves linearly *in time* from here to the next point's bpm, as REAPER's "linear"
    tempo markers do; without, it holds until the next point. On the last point `ramp` has nothing to lead to
    and the tempo holds.

    Raises TypeError for wrong kinds, ValueError for a quarter outside 0..10,000,000 or bpm outside 5..1000.
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
