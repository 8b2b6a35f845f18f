"""Several streams of one file, one behind the other, decoded as one sound.

A file of one stream needs none of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from clip_store.audio.audio import Samples


class Decoder(Protocol):
    """What is used of a `soundfile.SoundFile`. frames: per channel, as its header says."""

    samplerate: int
    channels: int
    subtype: str
    format: str
    frames: int
    extra_info: str

    def seek(self, frames: int, /) -> int:
        """Goes to a frame counted from the beginning."""

    def read(self, frames: int = -1, *, dtype: str = ..., always_2d: bool = ..., out: Any = ...) -> Any:
        """The frames from here on, [frames, channels]. out: written into, and a part of it is returned."""


class Chain:
    """Decoders of one rate and one number of channels, read one after the other. They stay their owner's to close."""

    def __init__(self, decoders: Sequence[Decoder]) -> None:
        """At least one. Raises ValueError when their rates or channels differ."""
        first = decoders[0]
        if any(is_other(one, first) for one in decoders):
            raise ValueError("streams of different rates or channels are no one sound")
        self._decoders = tuple(decoders)
        self._ends = tuple(accumulate(one.frames for one in decoders))
        self._position = 0
        self.samplerate: int = first.samplerate
        self.channels: int = first.channels
        self.subtype: str = first.subtype
        self.format: str = first.format
        self.frames: int = self._ends[-1]
        self.extra_info = "\n".join(one.extra_info for one in decoders)

    def seek(self, frames: int) -> int:
        """Goes to a frame counted from the beginning."""
        self._position = frames
        return frames

    def read(
        self,
        frames: int = -1,
        *,
        dtype: str = "float64",
        always_2d: bool = True,  # noqa: ARG002  # as the other decoders have it; here it always is
        out: Any = None,
    ) -> Samples:
        """The frames from here on, [frames, channels]; fewer where a stream is shorter than it says."""
        wanted = self.frames - self._position if frames < 0 else frames
        if out is None:
            out = np.empty((min(wanted, self.frames - self._position), self.channels), np.dtype(dtype))
        done = 0
        for decoder, end in zip(self._decoders, self._ends, strict=True):
            begin = end - decoder.frames
            if not begin <= self._position < end or done == len(out):
                continue
            decoder.seek(self._position - begin)
            wanted = min(len(out) - done, end - self._position)
            count = len(decoder.read(out=out[done : done + wanted]))
            done, self._position = done + count, self._position + count
            if count < wanted:
                break
        found: Samples = out[:done]
        return found


def is_other(decoder: Decoder, first: Decoder) -> bool:
    """Whether a decoder's sound cannot go on where another's ends."""
    return (decoder.samplerate, decoder.channels) != (first.samplerate, first.channels)
