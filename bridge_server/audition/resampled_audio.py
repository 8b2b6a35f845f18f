"""Layered audio at the rate and channel count of a sound device. Equal rates and channels pass bit for bit.

soxr resamples one segment at a time, with enough context that the segments join to what resampling the whole song at
once would give; segments are cached, so that a loop costs nothing after its first lap. The filler and the audition
thread both read, so the cache is guarded by a lock.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

import numpy as np
import soxr

from bridge_server.audition.layered_audio import LayeredAudio, Samples

SEGMENT_SECONDS = 0.5
# The filter of soxr's best quality reaches about 10 ms to either side at the lower of both rates.
CONTEXT_SECONDS = 0.03
SEGMENTS_KEPT = 256  # two minutes; 50 MB in stereo at 48 kHz
QUALITY = "VHQ"


class ResampledAudio:
    """Positions are frames of the device, counted from the song's first sample."""

    def __init__(self, source: LayeredAudio, rate: int, channels: int) -> None:
        self.source = source
        self.rate = rate
        self.channels = channels
        common = math.gcd(rate, source.rate)
        # The smallest stretch that is a whole number of frames at both rates.
        self._unit, self._source_unit = rate // common, source.rate // common
        self._units = max(1, round(SEGMENT_SECONDS * common))
        self._margin = max(1, math.ceil(CONTEXT_SECONDS * common))
        self._segments: OrderedDict[int, Samples] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def frames(self) -> int:
        """Up to the last frame there is."""
        return math.ceil(self.source.frames * self.rate / self.source.rate)

    def read(self, first: int, frames: int) -> Samples:
        """A new array [frames, channels] from `first` on."""
        if self.rate == self.source.rate:
            return as_channels(self.source.read(first, frames), self.channels)
        length = self._units * self._unit
        parts = []
        while frames > 0:
            number, offset = divmod(first, length)
            part = self._segment(number)[offset : offset + frames]
            parts.append(part)
            first += len(part)
            frames -= len(part)
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)

    def _segment(self, number: int) -> Samples:
        with self._lock:
            if number in self._segments:
                self._segments.move_to_end(number)
                return self._segments[number]
        segment = self._resampled(number)
        with self._lock:
            self._segments[number] = segment
            while len(self._segments) > SEGMENTS_KEPT:
                self._segments.popitem(last=False)
        return segment

    def _resampled(self, number: int) -> Samples:
        first = (number * self._units - self._margin) * self._source_unit
        frames = (self._units + 2 * self._margin) * self._source_unit
        around = soxr.resample(self.source.read(first, frames), self.source.rate, self.rate, quality=QUALITY)
        begin = self._margin * self._unit
        inside = around[begin : begin + self._units * self._unit]
        return as_channels(np.asarray(inside, np.float32), self.channels)


def as_channels(samples: Samples, channels: int) -> Samples:
    """Mono to both of two channels, stereo as its mean to one; further channels of a device stay silent."""
    given = samples.shape[1]
    if given == channels:
        return samples
    if channels == 1:
        return np.asarray(samples.mean(axis=1, dtype=np.float32, keepdims=True))
    found = np.zeros((len(samples), channels), np.float32)
    found[:, :2] = samples  # one channel is broadcast to both
    return found
