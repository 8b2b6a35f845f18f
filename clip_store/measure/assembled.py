"""How an engine put a take together from the song's own sound."""

from __future__ import annotations

import itertools
from dataclasses import dataclass


@dataclass(frozen=True)
class Assembled:
    """What an engine reports of a take's joins; empty where it does not say.

    joins:  (first sample, end) of each crossfade inside the region, from the region's start.
    shifts: for each stretch before, between and after the joins: how many samples later in the song its sound comes
            from, at its start and at its end. Without one for each stretch they are not used.
    wanted_lufs: how loud the engine made the take, where neither what it replaces nor its neighbours show how loud it
            ought to be: the song fades out or has ended there.
    swell:  for how many samples from the region's start the take comes back in from a fade; then it is that loud.
    """

    joins: tuple[tuple[int, int], ...] = ()
    shifts: tuple[tuple[int, int], ...] = ()
    wanted_lufs: float | None = None
    swell: int = 0

    def inside(self, start: int) -> list[tuple[int, int]]:
        """The joins in samples from the song's first, of a region that begins at `start`."""
        return [(start + first, start + end) for first, end in self.joins]

    def meeting(self) -> tuple[tuple[int, ...], list[tuple[int, ...]], tuple[int, ...]]:
        """The shifts of the sounds of the take at its first edge, at each of its joins, and at its last edge."""
        if len(self.shifts) != len(self.joins) + 1:
            return (), [()] * len(self.joins), ()
        between: list[tuple[int, ...]] = []
        for before, after in itertools.pairwise(self.shifts):
            between.append((before[1], after[0]))
        return (self.shifts[0][0],), between, (self.shifts[-1][1],)
