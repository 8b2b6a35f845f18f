"""From one sampling rate to another, without delay.

soxr's filters are linear-phase and their delay is taken out, so sound stays where it was in time. Fed piece by
piece they give the very same samples as all at once, to the bit; so what may be cancelled is fed piece by piece.
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
"""soxr's name for its best filter, for audio that is listened to."""

GOOD = "HQ"
"""Its default."""

ANALYSIS = "MQ"
"""Enough for what is only measured."""

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
    """samples at from_rate hertz -> the same at to_rate hertz, same dtype; at equal rates they pass unchanged.

    frames: the wanted length. What is left over at the end is cut; rounding may leave the last sample of
            from_rate short, which is filled with silence. None: whatever length comes out.
    check:  called before each piece of some tens of milliseconds of work; what it raises ends the work.

    Raises ValueError when the samples end more than one sample of from_rate before `frames`.
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
    """Pieces in order -> pieces in order, cut elsewhere; some may be empty. Joined they equal `resample`."""
    import soxr  # imported late: engines are described at server start and need no filters for that

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
