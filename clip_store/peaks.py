"""Peak pyramids: the smallest and largest sample of every few, at several scales, for drawing waveforms at any zoom.

    bytes  "ACEP"      u32 version   u32 rate   u32 channels   u64 frames   u32 levels
    levels x           u32 frames per peak      u32 peaks
    level after level  int16 [peak][channel][smallest, largest]

Little endian. Level 0 has FINEST frames to a peak, each next one STEP times as many, down to few enough for a screen.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_store.atomic_file import write_whole
from clip_store.audio.audio import Audio, Samples
from clip_store.blobs import BlobStore, to_path
from clip_store.errors import StoreError

MAGIC = b"ACEP"
VERSION = 1
FINEST = 256
STEP = 4
FEWEST = 512  # a level with no more peaks than this is the last
FULL_SCALE = 32767
_HEAD = struct.Struct("<4sIIIQI")
_LEVEL = struct.Struct("<II")
_SUFFIX = ".peaks"

Peaks = NDArray[np.int16]
"""[peaks, channels, 2]: smallest and largest, 32767 for full scale."""


def levels(audio: Audio) -> Iterator[tuple[int, Peaks]]:
    """(frames per peak, peaks), finest first. A last peak may cover fewer frames than the others."""
    found = _extremes(audio.samples, FINEST)
    frames_per_peak = FINEST
    while True:
        yield frames_per_peak, found
        if len(found) <= FEWEST:
            return
        starts = np.arange(0, len(found), STEP)
        found = np.stack(
            (np.minimum.reduceat(found[:, :, 0], starts), np.maximum.reduceat(found[:, :, 1], starts)), axis=2
        )
        frames_per_peak *= STEP


def encode(audio: Audio) -> bytes:
    """The whole pyramid of some audio, as the module's head describes it."""
    pyramid = list(levels(audio))
    head = _HEAD.pack(MAGIC, VERSION, audio.rate, audio.channels, audio.frames, len(pyramid))
    table = b"".join(_LEVEL.pack(size, len(peaks)) for size, peaks in pyramid)
    return b"".join((head, table, *(peaks.astype("<i2").tobytes() for _, peaks in pyramid)))


class PeakFiles:
    """Pyramids of stored audio, computed once and kept as files. Several threads may use it at once."""

    def __init__(self, root: Path, blobs: BlobStore) -> None:
        self._root = root
        self._blobs = blobs

    def get(self, digest: str) -> bytes:
        """The pyramid of the audio with this digest. Slow the first time; for a thread.

        Raises StoreError when the store does not hold the audio, ValueError for anything but a digest.
        """
        path = self._root / to_path(digest, _SUFFIX)
        self._blobs.path(digest)  # audio that was swept away has no picture either
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if data[: len(MAGIC)] == MAGIC:
                return data
        data = encode(self._blobs.get(digest))
        with contextlib.suppress(StoreError):  # a full disk costs time at the next look, no more
            write_whole(path, [data])
        return data

    def sweep(self) -> int:
        """Removes pyramids of audio that is not there any more; returns how many."""
        removed = 0
        for path in self._root.glob(f"??/*{_SUFFIX}"):
            if not self._blobs.has(path.parent.name + path.stem):
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
        return removed


def _extremes(samples: Samples, size: int) -> Peaks:
    """Smallest and largest sample of every `size` frames, per channel. Rounded outwards, so that nothing is hidden."""
    frames, channels = samples.shape
    found = np.zeros((max(1, -(-frames // size)), channels, 2), dtype=np.float64)
    whole = frames // size
    for channel in range(channels):
        # Each channel on its own and in one piece of memory: ten times as fast as across interleaved channels.
        mono = np.ascontiguousarray(samples[:, channel])
        blocks = mono[: whole * size].reshape(whole, size)
        found[:whole, channel, 0], found[:whole, channel, 1] = blocks.min(axis=1), blocks.max(axis=1)
        if rest := frames - whole * size:
            found[whole, channel] = mono[-rest:].min(), mono[-rest:].max()
    scaled = found * FULL_SCALE
    outwards = np.stack((np.floor(scaled[:, :, 0]), np.ceil(scaled[:, :, 1])), axis=2)
    return outwards.clip(-FULL_SCALE, FULL_SCALE).astype(np.int16)
