"""One side of a comparison: a song with clips in it, readable anywhere without copying the whole.

Reading all of it gives the samples of `mixdown.Mixdown`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daw_protocol.timeline import Span

Samples = NDArray[np.float32]
"""float32, [frames, channels]."""


@dataclass(frozen=True, eq=False)
class Patch:
    """A clip in a song.

    start:   its first frame, counted from the song's first.
    samples: [frames, channels], at the song's rate and channel count.
    adds:    is mixed with the song instead of replacing it.
    """

    start: int
    samples: Samples
    adds: bool = False

    @property
    def span(self) -> Span:
        return Span(self.start, self.start + len(self.samples))


@dataclass(frozen=True, eq=False)
class LayeredAudio:
    """A song, [frames, channels], with patches over it, later ones on top; silence before and after."""

    song: Samples
    rate: int
    patches: tuple[Patch, ...] = ()

    @property
    def channels(self) -> int:
        return int(self.song.shape[1])

    @property
    def frames(self) -> int:
        """End of the last frame, counted from the song's first."""
        return max(len(self.song), *(patch.span.end for patch in self.patches), 0)

    def read(self, first: int, frames: int) -> Samples:
        """A new array [frames, channels] from `first` on, which may lie outside the song."""
        found = np.zeros((frames, self.channels), np.float32)
        _lay(found, first, 0, self.song, adds=False)
        for patch in self.patches:
            _lay(found, first, patch.start, patch.samples, adds=patch.adds)
        return found

    def with_patches(self, patches: Iterable[Patch]) -> LayeredAudio:
        """With further patches; those that add play on above those that replace."""
        laid = sorted((*self.patches, *patches), key=lambda patch: patch.adds)
        return LayeredAudio(self.song, self.rate, tuple(laid))


def _lay(found: Samples, first: int, start: int, samples: Samples, *, adds: bool) -> None:
    """Writes `samples`, which begin at `start`, into `found`, which begins at `first`."""
    window = Span(first, first + len(found))
    common = window.clipped(Span(start, start + len(samples)))
    if common.length == 0:
        return
    place = slice(common.start - first, common.end - first)
    piece = samples[common.start - start : common.end - start]
    if adds:
        # In double precision and rounded once, like the files of the store.
        found[place] = (found[place].astype(np.float64) + piece).astype(np.float32)
    else:
        found[place] = piece
