"""Onset envelope, and the offset of the playing from the host's grid.

The grid itself is never estimated; it comes from the host's tempo map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.dsp.onsets import flux
from model.sketch import parameters as p
from model.sketch.analysis.spectrum import hann, mel_filters, stft_blocks


def onset_envelope(mono: NDArray[np.float32], check: Callable[[], None]) -> NDArray[np.float32]:
    """Half-wave rectified log-mel flux of a 22.05 kHz signal; float32 [frames of ONSET_HOP].

    Coarser than the spectra of `model.dsp.onsets.find_onsets` and a tenth of the work, which suffices for a shift
    measured over all beats of a song.
    """
    filters = mel_filters(p.ANALYSIS_RATE, p.ONSET_WINDOW, p.MEL_BANDS, p.MEL_LOW_HZ, p.MEL_HIGH_HZ)

    def levels() -> Iterator[NDArray[np.float32]]:
        for _, block in stft_blocks(mono, p.ONSET_WINDOW, p.ONSET_HOP):
            check()
            yield np.log10(filters @ np.square(np.abs(block)) + p.MEL_FLOOR)

    return flux(levels()).astype(np.float32)


def envelope_at(envelope: NDArray[np.float32], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The envelope at any times, linearly interpolated, with the detector's constant lag removed."""
    frames = (seconds - p.ONSET_LAG_SECONDS) * p.ANALYSIS_RATE / p.ONSET_HOP
    return np.interp(frames, np.arange(len(envelope)), envelope, left=0.0, right=0.0)


def rises(mono: NDArray[np.float32], seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Mean rise in dB of the mel bands of a 22.05 kHz signal from just before each time to just after it; [times].

    The frames keep 6 ms away from it, where the attack of a beat on it may lie on either side.
    """
    n = p.ONSET_WINDOW // 2
    padded = np.pad(mono, (4 * n, 4 * n))
    centres = np.clip(np.rint(seconds * p.ANALYSIS_RATE).astype(np.int64), -n, len(mono) + n) + 4 * n
    margin = round(p.JOIN_BEFORE_BEAT_SECONDS * p.ANALYSIS_RATE)
    before, after = (
        _bands_db(padded[(centres + shift)[:, None] + np.arange(n)]) for shift in (-margin - n, margin)
    )
    return np.asarray(np.maximum(after - before, 0.0).mean(axis=1), dtype=np.float32)


def _bands_db(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level of the mel bands in dB of frames of half the onset window, [frames, bands]."""
    from scipy.fft import rfft

    filters = mel_filters(p.ANALYSIS_RATE, p.ONSET_WINDOW, p.MEL_BANDS, p.MEL_LOW_HZ, p.MEL_HIGH_HZ)
    spectra = rfft(frames * hann(frames.shape[1]), p.ONSET_WINDOW, axis=1)
    return np.asarray(10.0 * np.log10(np.square(np.abs(spectra)) @ filters.T + p.MEL_FLOOR))


@dataclass(frozen=True)
class GridPhase:
    """How late the playing is relative to the grid.

    seconds:  positive if the notes come after the beat; 0 if `clear` is False.
    measured: the shift of the best match, whether applied or not.
    contrast: height of the best match over the median of all shifts; drums give 10 and more, pads below 2.
    """

    seconds: float
    measured: float
    contrast: float


def playing_phase(envelope: NDArray[np.float32], beats: NDArray[np.float64]) -> GridPhase:
    """The shift within +-120 ms at which the beats (seconds, inside the song) match the most onsets."""
    if len(beats) < p.PHASE_MIN_BEATS:
        return GridPhase(0.0, 0.0, 0.0)
    shifts = np.arange(-p.PHASE_REACH_SECONDS, p.PHASE_REACH_SECONDS + 1e-9, p.PHASE_STEP_SECONDS)
    score = envelope_at(envelope, beats[:, None] + shifts[None]).mean(axis=0)
    best = int(np.argmax(score))
    contrast = float(score[best] / max(float(np.median(score)), 1e-6))
    clear = contrast > p.PHASE_MIN_CONTRAST
    return GridPhase(float(shifts[best]) if clear else 0.0, float(shifts[best]), contrast)


def lateness(envelope: NDArray[np.float32], seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """By how many seconds the strongest attack near each time comes after it; NaN where none is clear; [times]."""
    if len(envelope) < 4:
        return np.full(len(seconds), np.nan, np.float32)
    strong = float(np.percentile(envelope, 98)) * p.ATTACK_ONSET
    rate = p.ANALYSIS_RATE / p.ONSET_HOP
    middle = np.rint((seconds - p.ONSET_LAG_SECONDS) * rate).astype(int)
    steps = round(p.LATENESS_REACH_SECONDS * rate)
    at = middle[:, None] + np.arange(-steps - 1, steps + 2)[None]
    values = np.where((at >= 0) & (at < len(envelope)), envelope[np.clip(at, 0, len(envelope) - 1)], 0.0)
    best = values[:, 1:-1].argmax(axis=1) + 1
    row = np.arange(len(seconds))
    left, peak, right = values[row, best - 1], values[row, best], values[row, best + 1]
    clear = (peak >= max(strong, 1e-6)) & (peak >= left) & (peak >= right)
    exact = middle - steps - 1 + best + 0.5 * (left - right) / np.minimum(left - 2 * peak + right, -1e-9)
    found = exact / rate + p.ONSET_LAG_SECONDS - seconds
    return np.where(clear, found, np.nan).astype(np.float32)
