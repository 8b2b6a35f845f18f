"""A song through a network that takes a few seconds at once: chunks that overlap, faded into one another.

The chunks lie on a grid that begins with the song, as in the library's own loop (`demucs.apply.apply_model` without
random shifts), and only those that a region touches are run. So the stems of a region are the same samples as that
part of the whole song's stems. Memory is bounded by a chunk, however long the song is. Knows no rate and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from model.pace import Pace
from model.stems.network import Check, Waves

Read = Callable[[int, int], Waves]
"""The mix's frames [first, last) as [2, frames], zeros outside the song."""


class ChunkNetwork(Protocol):
    """What is needed of a network (network.py); tests have smaller ones."""

    sources: tuple[str, ...]
    rate: int
    chunk: int

    def run(self, mix: Waves, check: Check) -> Waves:
        """The stems [sources, 2, chunk] of a chunk [2, chunk]."""
        ...


def separated(
    network: ChunkNetwork, read: Read, frames: int, first: int, last: int, overlap: float, pace: Pace
) -> Iterator[Waves]:
    """The stems of the frames [first, last) of a song of `frames`, in order, as pieces [sources, 2, some frames].

    overlap: share of a chunk that the next one repeats, 0 <= overlap < 1. Raises RenderStopped on cancellation.
    """
    assert 0 <= first <= last <= frames, (first, last, frames)
    weight = triangle(network.chunk)
    stride = max(int((1 - overlap) * network.chunk), 1)
    offsets = [
        offset for offset in range(0, frames, stride) if offset < last and offset + network.chunk > first
    ]
    total = np.zeros((len(network.sources), 2, network.chunk), np.float32)
    weights = np.zeros(network.chunk, np.float32)
    for number, offset in enumerate(offsets):
        pace.at(f"separating, part {number + 1} of {len(offsets)}", number / len(offsets))
        length = min(network.chunk, frames - offset)
        total[..., :length] += weight[:length] * _chunk(network, read, offset, length, pace.check)
        weights[:length] += weight[:length]
        ready = min(stride if number + 1 < len(offsets) else length, length)
        low, high = max(first - offset, 0), min(last - offset, ready)
        if low < high:
            yield total[..., low:high] / weights[low:high]
        for sums in (total, weights):
            sums[..., :-stride] = sums[..., stride:].copy()
            sums[..., -stride:] = 0.0


def triangle(frames: int) -> Waves:
    """The weight of a chunk's frames: least at its edges, where the network knows one side only."""
    rising = np.arange(1, frames // 2 + 1)
    falling = np.arange(frames - frames // 2, 0, -1)
    weight = np.concatenate([rising, falling]).astype(np.float32)
    return np.asarray(weight / weight.max(), dtype=np.float32)


def _chunk(network: ChunkNetwork, read: Read, offset: int, length: int, check: Check) -> Waves:
    """The stems of `length` frames from `offset`; a short last chunk lies in the middle of what the network sees."""
    before = (network.chunk - length) // 2
    mix = read(offset - before, offset - before + network.chunk)
    if not mix.any():  # it would come to nothing, and take as long
        return np.zeros((len(network.sources), 2, length), np.float32)
    return network.run(mix, check)[..., before : before + length]
