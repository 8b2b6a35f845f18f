"""Which frame of the song plays at which frame of the output: a playhead that runs and loops on the bar line. Pure.

Both count frames of the sound device. A loop whose length is not a whole number of them (a song at another rate) has
laps that differ by one frame, so that all laps together stay exactly in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class Run(NamedTuple):
    """A contiguous part of the song.

    offset:   of its first frame in the block requested.
    position: its first frame in the song; frames: its length.
    lap_end:  the frame of the song at which this lap ends; None if it does not.
    lap:      length of this lap.
    """

    offset: int
    position: int
    frames: int
    lap_end: int | None
    lap: int


@dataclass(frozen=True)
class LoopClock:
    """Output frame `anchor` plays `position`; at `end` playback continues at `start`, if it loops.

    start, end: in frames of the device, exact. A playhead after the loop's end runs on, as in any DAW.
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
    def is_looping(self) -> bool:
        return self.loops and self.end - self.start >= 1 and self.position < round(self.end)

    def position_at(self, frame: int) -> int:
        """The frame of the song at an output frame, which may be before the anchor."""
        began = self.anchor - (self.position - self.first)  # when a first lap would have begun
        if not self.is_looping or frame < began:
            return self.position + frame - self.anchor
        lap_began, _ = self._lap(frame - began)
        return self.first + frame - began - lap_began

    def runs(self, frame: int, frames: int) -> Iterator[Run]:
        """The parts of the song that play in [frame, frame + frames)."""
        began = self.anchor - (self.position - self.first)
        offset = 0
        while offset < frames:
            here = frame + offset
            if not self.is_looping:
                yield Run(offset, self.position_at(here), frames - offset, None, 0)
                return
            lap_began, lap = self._lap(max(0, here - began))
            lap_end = began + lap_began + lap
            count = min(frames - offset, lap_end - here)
            yield Run(offset, self.position_at(here), count, self.first + lap, lap)
            offset += count

    def _lap(self, since: int) -> tuple[int, int]:
        """Start and length of the lap that runs `since` frames after the first lap's start, counted from there."""
        length = self.end - self.start
        number = math.floor(since / length)
        # Starts are rounded, so it may be a neighbour.
        while round((number + 1) * length) <= since:
            number += 1
        while round(number * length) > since:
            number -= 1
        began = round(number * length)
        return began, round((number + 1) * length) - began

    def at(self, frame: int) -> LoopClock:
        """The same motion, anchored at another frame."""
        return LoopClock(frame, self.position_at(frame), self.start, self.end, self.loops)
