"""Where notes begin in a stretch of sound, and how far from the grid.

Half-wave rectified spectral flux of log-compressed magnitudes (S. Dixon, "Onset Detection Revisited", DAFx
2006; compression after Klapuri 1999), peaks picked against a moving median and refined by a parabola.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from clip_store.audio.audio import Samples

MIN_ONSETS = 4
"""Fewer onsets than this say nothing about timing."""

_HEARD_RATES = (24000, 22050)
"""What lies above 11 kHz adds nothing to the timing, only time to measure it; index: a multiple of 44100?"""

_WINDOW_SECONDS = 512 / 24000
_HOP_SECONDS = 0.004
_COMPRESSION = 1000.0
_MEDIAN_SECONDS = 0.2
_APART_SECONDS = 0.05
_THRESHOLD = 0.12
"""A peak must rise this far over the local median, as a share of the highest flux in the stretch."""

_OVER_NOISE = 1.5
"""And over this many times the local median, which the flux of steady noise does not reach."""

_MIN_RISE = 0.02
"""And by this much in the mean of all bins: the ripple of a held tone reaches a tenth of it."""

_EARLY_SECONDS = 0.003

_BIAS_SECONDS = -0.0062
"""Where the flux of an ideal onset peaks, from the onset: compressed magnitudes grow most when the side of
the window reaches it, before its centre does. Measured on clicks, drums and notes, which differ by 1.5 ms."""


@dataclass(frozen=True)
class OnsetDrift:
    """How onsets lie to the nearest grid line, in milliseconds; positive is late.

    offset_ms is the signed median, median_ms and p90_ms are of absolute distances.
    """

    count: int
    offset_ms: float
    median_ms: float
    p90_ms: float


def find_onsets(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Times of note beginnings in [frames, channels], in samples from the stretch's first, ascending."""
    coarse = _HEARD_RATES[rate % 44100 == 0]
    hop = round(_HOP_SECONDS * coarse)
    flux = _flux(_heard(samples, rate, coarse), 2 * round(_WINDOW_SECONDS * coarse / 2), hop)
    if not flux.any():
        return np.zeros(0)
    peaks = _pick(flux, coarse / hop)
    # Frame t is centred on sample t * hop because the stretch is padded by half a window; the flux of t is
    # its difference to t - 1, half a hop earlier.
    return (_refine(flux, peaks) * hop - hop / 2) * rate / coarse - _BIAS_SECONDS * rate


def onset_drift(
    samples: Samples, rate: int, grid_samples: Sequence[int], margin: int = 0
) -> OnsetDrift | None:
    """Distances of the onsets in [frames, channels] from the nearest grid line.

    grid_samples: the lines, ascending, in samples from the stretch's first (they may lie outside it).
    margin:       samples at both ends that are only context: a sound cut off at the end of what can be heard
                  looks like a note, so onsets there do not count.
    None when there are fewer than MIN_ONSETS onsets or no lines.
    """
    onsets = find_onsets(samples, rate)
    # A note on the very first sample may be found a little before it.
    early = margin - round(_EARLY_SECONDS * rate)
    onsets = onsets[(onsets >= early) & (onsets < len(samples) - margin)]
    grid = np.asarray(grid_samples, np.float64)
    if len(onsets) < MIN_ONSETS or len(grid) == 0:
        return None
    right = np.searchsorted(grid, onsets).clip(0, len(grid) - 1)
    left = (right - 1).clip(0)
    to_right, to_left = onsets - grid[right], onsets - grid[left]
    drift = np.where(np.abs(to_left) <= np.abs(to_right), to_left, to_right) / rate * 1000
    distance = np.abs(drift)
    return OnsetDrift(
        len(onsets), float(np.median(drift)), float(np.median(distance)), float(np.percentile(distance, 90))
    )


def _heard(samples: Samples, rate: int, coarse: int) -> NDArray[np.float32]:
    """One channel at the rate that is listened to, its highest sample 1 (all zero: silence)."""
    mono = samples.mean(axis=1, dtype=np.float32)
    heard: NDArray[np.float32] = soxr.resample(mono, rate, coarse) if len(mono) else mono
    peak = float(np.abs(heard).max(initial=0.0))
    return heard / np.float32(peak) if peak > 0.0 else heard


def _flux(heard: NDArray[np.float32], window: int, hop: int) -> NDArray[np.float64]:
    """Rise of the compressed spectrum from frame to frame, [frames]; the first is zero."""
    padded = np.pad(heard, window // 2)
    if len(padded) < window or not heard.any():
        return np.zeros(1)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    # A Hann window's spectrum at full level sums to window / 2.
    shaped = frames * np.hanning(window).astype(np.float32)
    magnitude = np.abs(np.fft.rfft(shaped, n=_power_of_two(window), axis=1)) / (window / 2)
    level = np.log1p(_COMPRESSION * magnitude)
    rise = np.maximum(level[1:] - level[:-1], 0).mean(axis=1)
    return np.concatenate([[0.0], rise])


def _pick(flux: NDArray[np.float64], frame_rate: float) -> NDArray[np.int64]:
    """Frames that are the highest within _APART_SECONDS and stand out of the local median."""
    from scipy.ndimage import maximum_filter1d, median_filter

    apart = 2 * round(_APART_SECONDS * frame_rate / 2) + 1
    median = median_filter(flux, 2 * round(_MEDIAN_SECONDS * frame_rate / 2) + 1, mode="nearest")
    stands_out = flux > _OVER_NOISE * median + max(_THRESHOLD * float(flux.max()), _MIN_RISE)
    return np.flatnonzero((flux == maximum_filter1d(flux, apart)) & stands_out)


def _refine(flux: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The tops of parabolas through each peak and its neighbours, in frames."""
    inner = peaks[(peaks > 0) & (peaks < len(flux) - 1)]
    before, top, after = flux[inner - 1], flux[inner], flux[inner + 1]
    bend = before - 2 * top + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return inner.astype(np.float64) + shift


def _power_of_two(length: int) -> int:
    """The smallest that is not below length."""
    return 1 << (length - 1).bit_length()
