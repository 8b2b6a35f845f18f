"""The device's output, frame by frame: the current loop reader, faded in from the previous one. Pure."""

from __future__ import annotations

import numpy as np

from bridge_server.audition.layered_audio import Samples
from bridge_server.audition.loop_reader import LoopReader, rising

# Long enough to hide any step, short enough not to blend: two takes of a drum hit stay two.
SWITCH_SECONDS = 0.01


class OutputMix:
    """Counts frames from 0, the first one the device plays. Silent without a reader."""

    def __init__(self, rate: int, channels: int) -> None:
        self._channels = channels
        self._fade = round(SWITCH_SECONDS * rate)
        self.switched = 0
        self._before = np.zeros((0, channels), np.float32)
        self.reader: LoopReader | None = None

    def switch(self, frame: int, reader: LoopReader | None) -> None:
        """Plays another reader from `frame` on, faded in from what would have played there."""
        self._before = self.read(frame, self._fade) if frame > 0 else self._before[:0]
        self.switched = frame
        self.reader = reader

    def read(self, frame: int, frames: int) -> Samples:
        """Frames [frame, frame + frames), none of them before the last switch: a new array [frames, channels]."""
        if self.reader is None:
            found = np.zeros((frames, self._channels), np.float32)
        else:
            found = self.reader.read(frame, frames)
        done = frame - self.switched
        tail = self._before[done : done + frames]
        if len(tail):
            share = rising(done, len(tail), len(self._before))
            found[: len(tail)] = tail + (found[: len(tail)] - tail) * share
        return found
