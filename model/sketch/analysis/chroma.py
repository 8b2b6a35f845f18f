"""Pitch classes per beat, from the peaks of each beat's median spectrum, at the song's own tuning."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.spectrum import frame_count, stft_blocks

Chroma = NDArray[np.float32]
"""Weight of each pitch class (0 = C), [beats, 12], each row of unit length or all zero."""

BIN_HZ = p.ANALYSIS_RATE / p.CHROMA_WINDOW
FIRST_BIN = int(p.BASS_LOW_HZ / BIN_HZ) - 1
_LAST_BIN = int(p.TREBLE_HIGH_HZ / BIN_HZ) + 2


def pitch_spectrogram(mono: NDArray[np.float32], check: Callable[[], None]) -> NDArray[np.float32]:
    """Magnitudes of the bins that carry pitch (40-1800 Hz); [frames of CHROMA_HOP, bins]."""
    frames = frame_count(len(mono), p.CHROMA_HOP)
    magnitudes = np.empty((frames, _LAST_BIN - FIRST_BIN), dtype=np.float32)
    for first, block in stft_blocks(mono, p.CHROMA_WINDOW, p.CHROMA_HOP):
        check()
        magnitudes[first : first + block.shape[1]] = np.abs(block[FIRST_BIN:_LAST_BIN]).T
    return magnitudes


def beat_medians(
    magnitudes: NDArray[np.float32], beats: NDArray[np.float64], check: Callable[[], None]
) -> NDArray[np.float32]:
    """Median spectrum of each beat, given the beats' edges in seconds [beats + 1]; [beats, bins].

    The median over a beat keeps sustained notes and drops drum hits, at a tenth of the cost of a running median.
    """
    frame = p.ANALYSIS_RATE / p.CHROMA_HOP
    edges = np.rint(beats * frame).astype(int)
    medians = np.zeros((len(beats) - 1, magnitudes.shape[1]), dtype=np.float32)
    for i, (first, last) in enumerate(itertools.pairwise(edges)):
        if i % 32 == 0:
            check()
        first, last = max(first, 0), min(max(last, first + 1), len(magnitudes))
        if first < last:
            medians[i] = np.median(magnitudes[first:last], axis=0)
    return medians


def _peaks(
    medians: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Spectral peaks: beat index, Hz (parabola through log magnitudes), magnitude ** 0.6, MIDI pitch."""
    middle = medians[:, 1:-1]
    is_peak = (middle > medians[:, :-2]) & (middle >= medians[:, 2:]) & (middle > p.CHROMA_FLOOR)
    beat, at = np.nonzero(is_peak)
    left, centre, right = (np.log(medians[beat, at + k].astype(np.float64) + 1e-9) for k in range(3))
    bend = left - 2.0 * centre + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    hz = (at + 1 + FIRST_BIN + np.clip(shift, -0.5, 0.5)) * BIN_HZ
    weight = np.exp(centre * p.CHROMA_POWER)
    return beat, hz, weight, 69.0 + 12.0 * np.log2(hz / 440.0)


def tuning_of(pitch: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """How far above A = 440 Hz the song is tuned, in semitones (-0.5..0.5)."""
    if len(pitch) == 0:
        return 0.0
    return float(np.angle(np.sum(weight * np.exp(2j * np.pi * pitch))) / (2.0 * np.pi))


def beat_chroma(medians: NDArray[np.float32]) -> tuple[Chroma, Chroma, float]:
    """Bass chroma, treble chroma and tuning (semitones) of the beats' median spectra [beats, bins]."""
    beat, hz, weight, pitch = _peaks(medians)
    melodic = hz >= p.TREBLE_LOW_HZ  # bass partials have too little frequency resolution for tuning
    tuning = tuning_of(pitch[melodic], weight[melodic])
    nearest = np.rint(pitch - tuning)
    weight = weight * np.cos(np.pi * (pitch - tuning - nearest)) ** 2
    cell = beat * 12 + nearest.astype(int) % 12

    def fold(chosen: NDArray[np.bool_]) -> Chroma:
        sums = np.bincount(cell[chosen], weight[chosen], minlength=12 * len(medians))
        rows = sums.reshape(len(medians), 12)
        unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return np.asarray(unit, dtype=np.float32)

    return fold(hz <= p.BASS_HIGH_HZ), fold(melodic), tuning
