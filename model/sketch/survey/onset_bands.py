"""How strongly something begins at each moment, in four bands: the input of everything that finds tempo and bars.

Half-wave rectified flux of log-mel spectra, as in analysis/onsets.py, but kept apart by pitch (a kick, a chord and a
hi-hat say different things about the bar), freed from its local mean and scaled to its local strength, so that a quiet
verse counts as much as a loud chorus.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.spectrum import frame_count, mel_filters, stft_blocks

Envelope = NDArray[np.float64]
"""Onset strength, [frames] at FRAME_RATE, about 1 at a usual onset; frame i is LAG seconds before its onset."""

FRAME_RATE = p.ANALYSIS_RATE / p.ONSET_HOP
LAG = 0.007
"""Measured on drums and notes that begin exactly on the beat: peaks of these envelopes come so long before."""

# Mel bands of each group: below 250 Hz, to 1.5 kHz, to 4 kHz and above.
_EDGES = (0, 4, 16, 28, p.MEL_BANDS)
_MEAN_SECONDS = 1.0
_STRENGTH_SECONDS = 8.0
# Of a song's greatest local strength, added to the scale: silence must not be blown up to music.
_FLOOR = 0.25


@dataclass(frozen=True)
class OnsetBands:
    """Onset envelopes by pitch, and of all bands together; `rhythm` is what tempo and beats are found in."""

    low: Envelope
    mid: Envelope
    high: Envelope
    top: Envelope
    full: Envelope

    @property
    def rhythm(self) -> Envelope:
        return self.full + 0.5 * self.low

    @property
    def seconds(self) -> float:
        return len(self.full) / FRAME_RATE


def onset_bands(mono: NDArray[np.float32], check: Callable[[], None]) -> OnsetBands:
    """Envelopes of a 22.05 kHz signal near -18 LUFS."""
    filters = mel_filters(p.ANALYSIS_RATE, p.ONSET_WINDOW, p.MEL_BANDS, p.MEL_LOW_HZ, p.MEL_HIGH_HZ)
    flux = np.zeros((len(_EDGES), frame_count(len(mono), p.ONSET_HOP)))
    before = np.full((p.MEL_BANDS, 1), np.log10(p.MEL_FLOOR))  # silence: a song may begin on its first sample
    for first, block in stft_blocks(mono, p.ONSET_WINDOW, p.ONSET_HOP):
        check()
        level = np.log10(filters @ np.square(np.abs(block)) + p.MEL_FLOOR)
        rise = np.maximum(np.diff(np.concatenate([before, level], axis=1), axis=1), 0.0)
        before = level[:, -1:]
        here = slice(first, first + rise.shape[1])
        for row, (low, high) in enumerate(itertools.pairwise(_EDGES)):
            flux[row, here] = rise[low:high].mean(axis=0)
        flux[-1, here] = rise.mean(axis=0)
    return OnsetBands(*(_levelled(row, check) for row in flux))


def _levelled(flux: Envelope, check: Callable[[], None]) -> Envelope:
    """Above the local mean only, relative to the local strength."""
    from scipy.ndimage import uniform_filter1d

    check()
    above = np.maximum(flux - uniform_filter1d(flux, _odd(_MEAN_SECONDS)), 0.0)
    strength = np.sqrt(np.maximum(uniform_filter1d(np.square(above), _odd(_STRENGTH_SECONDS)), 0.0))
    return np.asarray(above / (strength + _FLOOR * float(strength.max(initial=0.0)) + 1e-9))


def _odd(seconds: float) -> int:
    return 2 * round(seconds * FRAME_RATE / 2) + 1


def strength_at(envelope: Envelope, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The envelope at any times, interpolated; 0 outside the song."""
    frames = (seconds - LAG) * FRAME_RATE
    return np.interp(frames, np.arange(len(envelope)), envelope, left=0.0, right=0.0)


def strength_near(envelope: Envelope, seconds: NDArray[np.float64], reach: int = 2) -> NDArray[np.float64]:
    """The greatest strength within `reach` frames of each time: players are not exact."""
    frames = np.rint((seconds - LAG) * FRAME_RATE).astype(int)
    last = len(envelope) - 1
    shifted = [envelope[np.clip(frames + shift, 0, last)] for shift in range(-reach, reach + 1)]
    return np.asarray(np.max(shifted, axis=0))
