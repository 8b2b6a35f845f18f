"""Converts between the project's audio and the network's 44.1 kHz stereo, to the sample.

Both directions begin at a position that is a whole sample at either rate, so no filter shifts the audio by a part of
one; they read a little more on both sides, so that a filter's edge never reaches what is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from model.acestep_v1.frame_window import FRAME, RATE, FrameWindow
from model.dsp.resample import resample, resample_pieces
from model.dsp.window import read_window
from model.engine import Samples

_MARGIN = 4096
"""Samples at 44.1 kHz on each side for the resampler."""


def window_audio(song: Samples, window: FrameWindow) -> Samples:
    """The window's part of the song: float32 [2, frames * 4096], zeros where the song has ended.

    song: [samples, channels] at the window's rate; its grid begins with it.
    """
    assert window.origin == 0, window
    first = (window.first + window.song[0]) * FRAME
    count = (window.song[1] - window.song[0]) * FRAME
    step, ratio = _common(window.rate)
    begin = max(0, first - _MARGIN) // step * step
    at = begin * ratio
    assert at.denominator == 1, at
    end = math.ceil((first + count + _MARGIN) * ratio)
    found = resample(read_window(song, int(at), end), window.rate, RATE)
    cut = read_window(found, first - begin, first - begin + count)
    return np.ascontiguousarray(_with_channels(cut, 2).T, dtype=np.float32)


def project_pieces(
    decoded: Iterable[NDArray[np.float32]], window: FrameWindow, channels: int
) -> Iterator[tuple[int, Samples]]:
    """Decoded audio [2, n] of the window's `wanted_frames`, in order -> (position, samples [n, channels]), in order.

    Together they are exactly the window's wanted samples; what the frames do not reach, at most a sample, is silence.
    """
    step, ratio = _common(window.rate)
    first = (window.first + window.wanted_frames[0]) * FRAME
    skipped = -first % step
    position = window.origin + int((first + skipped) * ratio)
    done = window.wanted[0]
    for piece in resample_pieces(_without_first(decoded, skipped), RATE, window.rate):
        begin, end = max(done - position, 0), min(window.wanted[1] - position, len(piece))
        if begin < end:
            if position + begin > done:
                yield done, np.zeros((position + begin - done, channels), np.float32)
            yield position + begin, np.ascontiguousarray(_with_channels(piece[begin:end], channels))
            done = position + end
        position += len(piece)
    if done < window.wanted[1]:
        yield done, np.zeros((window.wanted[1] - done, channels), np.float32)


def _common(rate: int) -> tuple[int, Fraction]:
    """The distance, in samples at 44.1 kHz, of positions that are whole at both rates; and the ratio of the rates."""
    ratio = Fraction(rate, RATE)
    return ratio.denominator, ratio


def _without_first(decoded: Iterable[NDArray[np.float32]], count: int) -> Iterator[NDArray[np.float32]]:
    """Pieces [n, 2] without the first `count` samples."""
    for piece in decoded:
        dropped = min(count, piece.shape[1])
        count -= dropped
        yield np.ascontiguousarray(piece[:, dropped:].T)


def _with_channels(samples: Samples, channels: int) -> Samples:
    """Mono becomes two equal channels; stereo is averaged to mono."""
    if samples.shape[1] == channels:
        return samples
    if channels == 2:
        return np.repeat(samples, 2, axis=1)
    middle: Samples = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    return middle
