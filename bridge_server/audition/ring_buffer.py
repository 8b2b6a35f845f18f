"""The samples between the filler and the sound device. The device's side copies, counts, and never waits.

The filler (or a switch, under the playback's lock) owns FILLED; PortAudio's callback thread owns all other counters and
the stamp. Each side writes only its own and reads the other's, so the callback needs no lock. Everything is allocated
before the first sample plays.
"""

from __future__ import annotations

import time
from enum import IntEnum

import numpy as np

from bridge_server.audition.layered_audio import Samples


class Count(IntEnum):
    """The counters, by their index in the array."""

    TAKEN = 0  # frames handed to the device
    FILLED = 1  # frames written, from the first on
    UNDERRUNS = 2  # callbacks that found too few frames
    MISSED = 3  # frames of silence played instead
    CALLBACKS = 4
    LARGEST = 5  # frames of the largest callback
    DEVICE = 6  # callbacks in which the device reported an underrun


class RingBuffer:
    """Frames count from 0 and never wrap; frame n lies at n modulo the capacity."""

    def __init__(self, capacity: int, channels: int) -> None:
        self.capacity = capacity
        self._samples = np.zeros((capacity, channels), np.float32)
        self.counts = np.zeros(len(Count), np.int64)
        self.stamp = np.zeros(2, np.float64)  # time.perf_counter of the last callback, frames taken before it

    def take_into(self, out: Samples, ran_dry: bool = False) -> None:
        """The device's side: fills `out`, [frames, channels], with the next frames; silence if there are too few."""
        counts = self.counts
        taken, frames = int(counts[Count.TAKEN]), len(out)
        ready = min(frames, int(counts[Count.FILLED]) - taken)
        begin = taken % self.capacity
        first = min(ready, self.capacity - begin)
        out[:first] = self._samples[begin : begin + first]
        if first < ready:
            out[first:ready] = self._samples[: ready - first]
        if ready < frames:
            out[ready:] = 0
            counts[Count.UNDERRUNS] += 1
            counts[Count.MISSED] += frames - ready
        self.stamp[0] = time.perf_counter()
        self.stamp[1] = taken
        counts[Count.TAKEN] = taken + ready
        counts[Count.CALLBACKS] += 1
        if frames > counts[Count.LARGEST]:
            counts[Count.LARGEST] = frames
        if ran_dry:
            counts[Count.DEVICE] += 1

    @property
    def taken(self) -> int:
        return int(self.counts[Count.TAKEN])

    @property
    def filled(self) -> int:
        return int(self.counts[Count.FILLED])

    def put(self, frame: int, block: Samples) -> None:
        """The filler's side: writes frames from `frame` on over what is there, earlier ones first.

        The device, coming from behind, then finds either only old or only new frames.
        """
        begin = frame % self.capacity
        first = min(len(block), self.capacity - begin)
        self._samples[begin : begin + first] = block[:first]
        if first < len(block):
            self._samples[: len(block) - first] = block[first:]
        self.counts[Count.FILLED] = max(self.filled, frame + len(block))
