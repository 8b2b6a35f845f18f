"""Finds note onsets in audio.

Half-wave rectified spectral flux of log-compressed magnitudes (S. Dixon, "Onset Detection Revisited", DAFx
2006; compression after Klapuri 1999), peaks picked against a moving median and refined by a parabola.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp.loudness import peak
from model.dsp.offset import sound_of
from model.dsp.resample import GOOD, pieces, resample

_RATES = (24000, 22050)
"""Analysis rates, by whether the rate is a multiple of 44,100 Hz: content above 11 kHz only costs time."""

_WINDOW_SECONDS = 512 / 24000
_HOP_SECONDS = 0.004
_FRAMES_AT_ONCE = 4096
_COMPRESSION = 1000.0
_MEDIAN_SECONDS = 0.2
_APART_SECONDS = 0.05
_THRESHOLD = 0.12
"""A peak must rise this far above the local median, as a share of the highest flux in the audio."""

_OVER_NOISE = 1.5
"""And above this many times the local median, which the flux of steady noise does not reach."""

_MIN_RISE = 0.02
"""And by this much in the mean of all bins: the ripple of a held tone reaches a tenth of it."""

_BIAS_SECONDS = -0.0062
"""Time from an ideal onset to the peak of its flux: compressed magnitudes grow most when the edge of the window reaches
it, before its centre does. Measured on clicks, drums and notes, which differ by 1.5 ms."""


def flux(levels: Iterable[NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
    """Mean rise of log-compressed spectra from frame to frame, with falls counted as zero; [frames].

    levels: blocks [bands, frames] in order, with any number of frames and any bands and compression. The flux of the
            first frame is zero.
    """
    found = []
    before: NDArray[np.floating[Any]] | None = None
    for block in levels:
        before = block[:, :1] if before is None else before
        rise = np.diff(np.concatenate([before, block], axis=1), axis=1)
        found.append(np.maximum(rise, 0.0).mean(axis=0))
        before = block[:, -1:]
    return np.concatenate(found) if found else np.zeros(0)


def find_onsets(samples: NDArray[Any], rate: int) -> NDArray[np.float64]:
    """Onset times in [frames, channels], in samples from the first one, ascending."""
    coarse = _RATES[rate % 44100 == 0]
    hop = round(_HOP_SECONDS * coarse)
    sound = sound_of(samples, rate)
    mono = resample(sound.mean(axis=1, dtype=np.float32), rate, coarse, quality=GOOD)
    rise = flux(_fine_levels(mono, 2 * round(_WINDOW_SECONDS * coarse / 2), hop))
    if not rise.any():
        return np.zeros(0)
    peaks = _pick(rise, coarse / hop)
    # Frame t is centred on sample t * hop because the stretch is padded by half a window; the flux of t is
    # its difference to t - 1, half a hop earlier.
    return (_refine(rise, peaks) * hop - hop / 2) * rate / coarse - _BIAS_SECONDS * rate


def _fine_levels(mono: NDArray[np.float32], length: int, hop: int) -> Iterator[NDArray[np.float32]]:
    """Compressed spectra [bins, frames], every `hop` samples, of mono audio normalised to peak 1; none if silent."""
    loudest = peak(mono)
    if loudest == 0.0:
        return
    padded = np.pad(mono / np.float32(loudest), length // 2)
    shape = np.hanning(length).astype(np.float32)
    for frames in pieces(np.lib.stride_tricks.sliding_window_view(padded, length)[::hop], _FRAMES_AT_ONCE):
        # A Hann window's spectrum at full level sums to length / 2.
        magnitude = np.abs(np.fft.rfft(frames * shape, n=_power_of_two(length), axis=1)) / (length / 2)
        yield np.log1p(_COMPRESSION * magnitude).T


def _pick(rise: NDArray[np.float64], frame_rate: float) -> NDArray[np.int64]:
    """Frames that are the highest within _APART_SECONDS and stand out from the local median."""
    from scipy.ndimage import maximum_filter1d, median_filter

    apart = 2 * round(_APART_SECONDS * frame_rate / 2) + 1
    median = median_filter(rise, 2 * round(_MEDIAN_SECONDS * frame_rate / 2) + 1, mode="nearest")
    stands_out = rise > _OVER_NOISE * median + max(_THRESHOLD * float(rise.max()), _MIN_RISE)
    return np.flatnonzero((rise == maximum_filter1d(rise, apart)) & stands_out)


def _refine(rise: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The tops of parabolas through each peak and its neighbours, in frames."""
    inner = peaks[(peaks > 0) & (peaks < len(rise) - 1)]
    before, top, after = rise[inner - 1], rise[inner], rise[inner + 1]
    bend = before - 2 * top + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return inner.astype(np.float64) + shift


def _power_of_two(length: int) -> int:
    """The smallest power of two that is at least `length`."""
    return 1 << (length - 1).bit_length()
