"""Converts between the project's audio and the model's: rate, channel count and sample positions.

In: the window's part of the song, as 48 kHz stereo. Out: the wanted samples at the project's rate, cut to the sample,
piece by piece. Resampling extends a little past both ends, so that its edges never reach a cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from model.acestep.latent_grid import HOP, MODEL_RATE, Window, hop_of
from model.dsp.resample import resample, resample_pieces
from model.dsp.window import read_window
from model.engine import Samples

MARGIN_FRAMES = 2
"""Latent frames (40 ms each) of extra audio on each side for the resampler."""


def song_audio(song: Samples, rate: int, frames: tuple[int, int]) -> Samples:
    """Half-open latent frames of a song: float32 [2, frames * 1920], zeros after its end.

    song: [samples, channels] at `rate`. frames: counted from the song's first sample.
    """
    hop = hop_of(rate)
    first, last = frames[0] * hop, frames[1] * hop
    margin = MARGIN_FRAMES * hop
    begin, end = max(0, first - margin), last + margin
    skipped = (first - begin) // hop * HOP
    cut = resample(read_window(song, begin, end), rate, MODEL_RATE)[
        skipped : skipped + (frames[1] - frames[0]) * HOP
    ]
    return np.ascontiguousarray(_with_channels(cut, 2).T, dtype=np.float32)


def whole_audio(samples: Samples, rate: int) -> Samples:
    """Audio [samples, channels] at any rate in the model's format: float32 [2, N] at 48 kHz."""
    return np.ascontiguousarray(_with_channels(resample(samples, rate, MODEL_RATE), 2).T, dtype=np.float32)


def decoded_frames(window: Window) -> tuple[int, int]:
    """Half-open latent frames to decode for the wanted samples: those that contain them, and the margin."""
    first, last = window.wanted_frames
    margin = 0 if window.rate == MODEL_RATE else MARGIN_FRAMES
    return max(0, first - margin), min(window.frames, last + margin)


def project_audio(
    pieces: Iterable[NDArray[np.float32]], window: Window, channels: int
) -> Iterator[tuple[int, Samples]]:
    """Decoded pieces [2, n] of `decoded_frames`, in order -> (position, samples [n, channels]), in order.

    Together they are exactly the window's wanted samples. Positions are in the project.
    """
    position = window.origin + decoded_frames(window)[0] * window.hop
    wanted_first, wanted_end = window.wanted
    for piece in resample_pieces((piece.T for piece in pieces), MODEL_RATE, window.rate):
        begin = max(wanted_first - position, 0)
        end = min(wanted_end - position, len(piece))
        if begin < end:
            yield position + begin, np.ascontiguousarray(_with_channels(piece[begin:end], channels))
        position += len(piece)


def _with_channels(samples: Samples, channels: int) -> Samples:
    """Mono becomes two equal channels; stereo is averaged to mono."""
    if samples.shape[1] == channels:
        return samples
    if channels == 2:
        return np.repeat(samples, 2, axis=1)
    middle: Samples = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    return middle
