"""Which frame of the song sounds at which frame of the output: a playhead that runs, and goes round on the bar. Pure.

Both are counted in frames of the sound device. A loop whose length is no whole number of them (a song at another
rate) has rounds that differ by a frame, so that the rounds together stay exactly in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class Run(NamedTuple):
    """A stretch of the song played in one go.

    offset:   of its first frame in what was asked for.
    position: its first frame in the song; frames: how many.
    lap_end:  where in the song this round ends; None when it does not.
    lap:      length of this round.
    """

    offset: int
    position: int
    frames: int
    lap_end: int | None
    lap: int


@dataclass(frozen=True)
class LoopClock:
    """At output frame `anchor` sounds `position`; from `end` it goes on at `start`, if it loops.

    start, end: in frames of the device, exact. A playhead behind the loop's end runs on, as in any DAW.
    """

    anchor: int
    position: int
    start: Fraction
    end: Fraction
    loops: bool

    @property
    def first(self) -> int:
        """The loop's first frame."""
        return round(self.start)

    @property
    def goes_round(self) -> bool:
        return self.loops and self.end - self.start >= 1 and self.position < round(self.end)

    def position_at(self, frame: int) -> int:
        """What sounds at an output frame (also at earlier ones than the anchor)."""
        began = self.anchor - (self.position - self.first)  # when a first round would have begun
        if not self.goes_round or frame < began:
            return self.position + frame - self.anchor
        lap_began, _ = self._lap(frame - began)
        return self.first + frame - began - lap_began

    def runs(self, frame: int, frames: int) -> Iterator[Run]:
        """The stretches of the song that sound in [frame, frame + frames)."""
        began = self.anchor - (self.position - self.first)
        offset = 0
        while offset < frames:
            here = frame + offset
            if not self.goes_round:
                yield Run(offset, self.position_at(here), frames - offset, None, 0)
                return
            lap_began, lap = self._lap(max(0, here - began))
            lap_end = began + lap_began + lap
            count = min(frames - offset, lap_end - here)
            yield Run(offset, self.position_at(here), count, self.first + lap, lap)
            offset += count

    def _lap(self, since: int) -> tuple[int, int]:
        """When the round that runs `since` frames after the first began began itself, and its length."""
        length = self.end - self.start
        number = math.floor(since / length)
        # Beginnings are rounded: the neighbours may be the one.
        while round((number + 1) * length) <= since:
            number += 1
        while round(number * length) > since:
            number -= 1
        began = round(number * length)
        return began, round((number + 1) * length) - began

    def at(self, frame: int) -> LoopClock:
        """The same motion, anchored at another frame: what was changed later leaves what was played as it was."""
        return LoopClock(frame, self.position_at(frame), self.start, self.end, self.loops)
