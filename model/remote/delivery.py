"""Cuts the pieces of a result out of what a server sent, at the project's rate and to the sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.acestep.conditioning.audio_rate import decoded_frames, project_audio
from model.acestep.latent_grid import HOP
from model.dsp.resample import pieces
from model.dsp.window import read_window
from model.engine import Piece, RenderRequest, Samples, Task
from model.pace import Pace
from model.remote.order import MIX, Order

HANDLES = "handles"
RESIDUAL = "residual"
_PIECE_FRAMES = 1 << 18


class Delivery:
    """The pieces of one take; what `EXTRACT` leaves of the song comes last."""

    def __init__(self, request: RenderRequest, pace: Pace) -> None:
        self._request = request
        self._pace = pace
        self._stems = np.zeros((request.length, request.channels), np.float64)

    def pieces(self, order: Order, samples: Samples) -> Iterator[Piece]:
        """Those of one order. samples: float32 [frames, 2] at 48 kHz, the whole window."""
        request = self._request
        first, end = decoded_frames(order.window)
        cut = pieces(samples[first * HOP : end * HOP], _PIECE_FRAMES, self._pace.check)
        for position, found in project_audio((piece.T for piece in cut), order.window, request.channels):
            if order.stem == MIX and request.handle:
                yield Piece(HANDLES, position, found)
            begin, last = max(request.start - position, 0), min(request.end - position, len(found))
            if begin < last:
                inside = np.ascontiguousarray(found[begin:last])
                at = position + begin - request.start
                self._stems[at : at + len(inside)] += inside
                yield Piece(order.stem, position + begin, inside)

    def residual(self) -> Iterator[Piece]:
        """For EXTRACT, the song less the stems: all of them together are the song."""
        request = self._request
        if request.task is Task.EXTRACT:
            source = read_window(request.required_song.samples, request.start, request.end)
            yield Piece(RESIDUAL, request.start, (source - self._stems).astype(np.float32))
