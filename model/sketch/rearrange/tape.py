"""Audio that can be read anywhere on the timeline; silence outside its extent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.dsp.window import read_window
from model.engine import Samples


class Tape(Protocol):
    """Audio on the request's timeline (frames from the first sample of the song)."""

    def read(self, start: int, end: int) -> Samples:
        """A new array with the frames [start, end)."""
        ...


@dataclass(frozen=True)
class Moved:
    """Unchanged samples, shifted: frame t of the timeline is frame t + offset of `samples`."""

    samples: Samples
    offset: int = 0

    def read(self, start: int, end: int) -> Samples:
        return read_window(self.samples, start + self.offset, end + self.offset)


@dataclass(frozen=True)
class Mirrored:
    """A song with `reach` frames of odd reflection past its last sample (value and slope stay continuous), dying away.

    Gives a continuation something to crossfade from if the song stops abruptly; what rings there is not cut off.
    """

    samples: Samples
    reach: int

    def read(self, start: int, end: int) -> Samples:
        out = Moved(self.samples).read(start, end)
        count = len(self.samples)
        beyond = np.arange(max(start, count), min(end, count + self.reach))
        if len(beyond) and count:
            back = np.maximum(2 * (count - 1) - beyond, 0)
            fall = 0.5 + 0.5 * np.cos(np.pi * (beyond - count) / self.reach)
            out[beyond - start] = (2.0 * self.samples[-1] - self.samples[back]) * fall[:, None]
        return out


@dataclass(frozen=True)
class Delayed:
    """Another tape, `lag` frames later."""

    tape: Tape
    lag: int

    def read(self, start: int, end: int) -> Samples:
        return self.tape.read(start - self.lag, end - self.lag)


@dataclass(frozen=True)
class Difference:
    """One tape minus another."""

    whole: Tape
    part: Tape

    def read(self, start: int, end: int) -> Samples:
        return self.whole.read(start, end) - self.part.read(start, end)
