"""Clicks: moments at which a waveform goes where neither the milliseconds before nor those after would lead it.

A click is what a short linear prediction, fitted to the sound on both sides, does not predict: that hears one in the
bands which the music leaves free. A hit is as surprising after its first sample as on it, so it is none.

Of jumps put next to bar lines of five real songs, this names 94 % of those 15 dB above the music in some band from
300 Hz to 12 kHz, 89 % of those 6 to 15 dB above it, 9 % of those that it covers, and 0.7 % of the untouched places. The
largest second difference, against the song's own, named less than half and a quarter of the covered ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

NEAR_SECONDS = 0.0005
BESIDE_SECONDS = 0.008
"""A listener takes what lies closer together for one event."""

_ORDER = 12
_EVEN = 0.01  # of the power, as white noise: what lies 20 dB under the music is not worth predicting
_USUAL, _FACTOR = 0.95, 3.0


def reach(rate: int) -> int:
    """Samples before and after an instant that `clicks` takes."""
    near, beside = _lengths(rate)
    return near + beside


def clicks(around: Sound, rate: int) -> NDArray[np.float64]:
    """By how much the surprise at each instant exceeds thrice that beside it, in units of full scale; [instants].

    around: [instants, 2 * reach(rate), channels]. Each channel counts by itself: one may be silent where another covers
    the click.
    """
    near, beside = _lengths(rate)
    lines = np.diff(around, axis=1).swapaxes(1, 2)
    surprise = np.abs(_unpredicted(lines, near + beside - 1, near))
    middle = (
        surprise.shape[2] - near - beside
    )  # a jump at the instant is a surprise there, and shortly after it
    before, here, after = np.split(surprise, [middle - near, middle + near + 2], axis=2)
    rougher = np.maximum(*(np.quantile(side, _USUAL, axis=2) for side in (before, after)))
    excess = here.max(axis=2) - _FACTOR * rougher
    found: NDArray[np.float64] = np.maximum(excess, 0.0).max(axis=1, initial=0.0)
    return found


def _lengths(rate: int) -> tuple[int, int]:
    return max(4, round(NEAR_SECONDS * rate)), max(2 * _ORDER, round(BESIDE_SECONDS * rate))


def _unpredicted(lines: Sound, middle: int, near: int) -> Sound:
    """What is left of lines [instants, channels, n] predicted from _ORDER samples before; [.., n - _ORDER].

    The prediction is fitted to both sides of the middle together, without `near` samples around it.
    """
    own = _autocorrelation(lines[..., : middle - near]) + _autocorrelation(lines[..., middle + near :])
    apart = np.abs(np.subtract.outer(np.arange(_ORDER), np.arange(_ORDER)))
    even = (_EVEN * own[..., :1] + 1e-12)[..., None] * np.eye(_ORDER)
    weights = np.linalg.solve(own[..., apart] + even, own[..., 1:, None])[..., 0]
    windows = np.lib.stride_tricks.sliding_window_view(lines, _ORDER + 1, axis=-1)
    predicted: Sound = np.einsum("icno,ico->icn", windows[..., :-1], weights[..., ::-1])
    return np.asarray(windows[..., -1] - predicted)


def _autocorrelation(lines: Sound) -> Sound:
    """The first _ORDER + 1 values for each line of the last axis, under a Hann window."""
    windowed = lines * np.hanning(lines.shape[-1])
    size = 1 << int(np.ceil(np.log2(2 * lines.shape[-1])))
    power = np.square(np.abs(np.fft.rfft(windowed, size)))
    return np.asarray(np.fft.irfft(power, size)[..., : _ORDER + 1])
