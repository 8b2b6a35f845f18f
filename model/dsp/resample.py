"""Converts sample rates, without delay.

soxr's filters are linear-phase with compensated delay, so audio keeps its timing. Fed piece by piece, they give the
same samples as in one pass, bit for bit, so work that may be cancelled is fed piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp.window import read_window

Samples = NDArray[Any]
"""float32 or float64, [frames, channels] or mono [frames]."""

BEST = "VHQ"
"""soxr's best filter, for audio that will be played."""

GOOD = "HQ"
"""soxr's default filter."""

ANALYSIS = "MQ"
"""Sufficient for measurements."""

_PIECE_FRAMES = 1 << 18


def resample(
    samples: Samples,
    from_rate: int,
    to_rate: int,
    frames: int | None = None,
    *,
    quality: str = BEST,
    check: Callable[[], None] = lambda: None,
) -> Samples:
    """Samples at from_rate hertz -> samples at to_rate hertz, same dtype; unchanged if the rates are equal.

    frames: the wanted length. Excess at the end is cut; up to one sample of from_rate, missing due to rounding, is
            filled with silence. None: whatever length results.
    check:  called before each piece, every few tens of milliseconds of work; may raise to cancel.

    Raises ValueError if the samples end more than one sample of from_rate before `frames`.
    """
    if frames is not None and frames * from_rate > (len(samples) + 1) * to_rate:
        raise ValueError(
            f"{len(samples)} samples at {from_rate} Hz are too short for {frames} samples at {to_rate} Hz"
        )
    converted = samples
    if from_rate != to_rate and len(samples):
        cut = pieces(samples, _PIECE_FRAMES, check)
        converted = np.concatenate(list(resample_pieces(cut, from_rate, to_rate, quality)))
    if frames is None:
        return converted
    return converted[:frames] if len(converted) >= frames else read_window(converted, 0, frames)


def resample_pieces(
    given: Iterable[Samples], from_rate: int, to_rate: int, quality: str = BEST
) -> Iterator[Samples]:
    """Pieces in order -> pieces in order, with other boundaries; some may be empty. Joined, they equal `resample`."""
    import soxr  # imported late: describing engines at server start needs no filters

    stream = None
    for piece in given:
        if from_rate == to_rate:
            yield piece
            continue
        if stream is None:
            channels = piece.shape[1] if piece.ndim == 2 else 1
            stream = soxr.ResampleStream(from_rate, to_rate, channels, piece.dtype.name, quality)
            nothing = piece[:0]
        yield stream.resample_chunk(np.ascontiguousarray(piece))
    if stream is not None:
        yield stream.resample_chunk(nothing, last=True)


def pieces(samples: Samples, length: int, check: Callable[[], None] = lambda: None) -> Iterator[Samples]:
    """`samples` cut along time into views of `length` frames, `check` called before each."""
    for first in range(0, len(samples), length):
        check()
        yield samples[first : first + length]
