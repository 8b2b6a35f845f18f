"""What a render hands over: stems and handles of its region, and for extracted stems what is left of the song."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.engine import Piece, RenderRequest, Samples, Song, Task

MIX = "mix"
HANDLES = "handles"
RESIDUAL = "residual"


class Delivered:
    """Turns decoded audio into the pieces of the result."""

    def __init__(self, request: RenderRequest) -> None:
        self._request = request
        self._stems: dict[str, list[Samples]] = {}
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
        if stem != MIX:
            self._stems.setdefault(stem, []).append(inside)
        yield Piece(stem, start + begin, inside)

    def residual(self) -> Iterator[Piece]:
        """For EXTRACT, the song minus the stems, so that all pieces together sum to it."""
        request = self._request
        if request.song is None or request.task is not Task.EXTRACT:
            return
        rest = self._source(request.song).astype(np.float64)
        for parts in self._stems.values():
            rest -= np.concatenate(parts)
        yield Piece(RESIDUAL, request.start, rest.astype(np.float32))

    def _source(self, song: Song) -> Samples:
        """The song in the region, zeros outside it."""
        request = self._request
        source = np.zeros((request.length, request.channels), np.float32)
        first, end = max(request.start, 0), min(request.end, song.frames)
        if first < end:
            source[first - request.start : end - request.start] = song.samples[first:end]
        return source
