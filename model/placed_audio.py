"""A network's audio on its way into a project: where it lies in time, and in how many channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.engine import Samples


def placed(pieces: Iterator[Samples], begins: int, wanted: tuple[int, int]) -> Iterator[tuple[int, Samples]]:
    """Pieces that begin at the frame `begins`, cut to `wanted`; silence where they begin later than that."""
    start, end = wanted
    position = begins
    first = True
    for piece in pieces:
        low, high = max(position, start), min(position + len(piece), end)
        if low < high:
            cut = piece[low - position : high - position]
            if first and low > start:
                yield start, np.zeros((low - start, piece.shape[1]), np.float32)
            yield low, cut
            first = False
        position += len(piece)
    assert position >= end, (position, end)


def with_channels(samples: Samples, channels: int) -> Samples:
    """Mono on both sides of stereo; the mean of both in mono."""
    if samples.shape[1] == channels:
        return samples
    mono = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.repeat(mono, channels, axis=1)
