"""Decoded audio on its way out: cut to the region, and for stems what is left of the song."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from model.engine import Piece, RenderRequest, Samples, Song, Task

MIX = "mix"
HANDLES = "handles"
RESIDUAL = "residual"


class DeliveredPieces:
    """Turns decoded audio into the pieces of the result."""

    def __init__(self, request: RenderRequest) -> None:
        self._request = request
        self._rest: NDArray[np.float64] | None = None  # what is left of the song
        self.peak = 0.0

    def pieces(self, stem: str, start: int, samples: Samples) -> Iterator[Piece]:
        """The part inside the region as its stem; for a mix, all of it as handles too."""
        request = self._request
        if stem == MIX and request.handle:
            yield Piece(HANDLES, start, samples)
        begin, end = max(request.start - start, 0), min(request.end - start, len(samples))
        if begin >= end:
            return
        inside = np.ascontiguousarray(samples[begin:end])
        self.peak = max(self.peak, float(np.abs(inside).max()))
        rest = self._left()
        if rest is not None:
            at = start + begin - request.start
            rest[at : at + len(inside)] -= inside
        yield Piece(stem, start + begin, inside)

    def residual(self) -> Iterator[Piece]:
        """For EXTRACT, the song minus the stems, so that all pieces together sum to it."""
        rest, self._rest = self._left(), None
        if rest is not None:
            yield Piece(RESIDUAL, self._request.start, rest.astype(np.float32))

    def _left(self) -> NDArray[np.float64] | None:
        """What is left of the song so far, for EXTRACT: the stems themselves would be many times as large."""
        request = self._request
        if self._rest is None and request.song is not None and request.task is Task.EXTRACT:
            self._rest = self._source(request.song).astype(np.float64)
        return self._rest

    def _source(self, song: Song) -> Samples:
        """The song in the region, zeros outside it."""
        request = self._request
        source = np.zeros((request.length, request.channels), np.float32)
        first, end = max(request.start, 0), min(request.end, song.frames)
        if first < end:
            source[first - request.start : end - request.start] = song.samples[first:end]
        return source
