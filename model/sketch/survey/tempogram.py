"""Which tempos are in the music, window by window.

The product of a Fourier and an autocorrelation tempogram (G. Peeters, "Template-based estimation of time-varying
tempo", EURASIP 2007): the one also answers to multiples of the tempo, the other to fractions, and only what both answer
to remains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.survey.onset_bands import FRAME_RATE, Envelope

LOWEST, HIGHEST = 30.0, 330.0
STEPS = 340
"""Tempos looked at, in equal ratios of 0.7 %."""
TEMPOS = np.geomspace(LOWEST, HIGHEST, STEPS)

_FRACTIONS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4)
_PADDING = 4  # of the transform, for a smooth spectrum
_LEAST_OVERLAP = 0.15  # of window and shifted window, below which an autocorrelation means nothing


@dataclass(frozen=True)
class Tempogram:
    """strength: [windows, STEPS]; seconds: the middle of each window."""

    strength: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        return np.asarray(self.strength.mean(axis=0))

    def along(self, tempos: NDArray[np.float64]) -> float:
        """Mean strength of a tempo for each window, the nearest there is."""
        steps = np.rint(np.log(tempos / LOWEST) / np.log(HIGHEST / LOWEST) * (STEPS - 1)).astype(int)
        return float(self.strength[np.arange(len(self.seconds)), np.clip(steps, 0, STEPS - 1)].mean())

    def share_at(self, tempo: float, tolerance: float) -> float:
        """The share of the song, by strength, whose own strongest tempo is this one or a simple fraction of it."""
        best = np.argmax(self.strength, axis=1)
        strength = self.strength[np.arange(len(best)), best]
        ratios = TEMPOS[best][:, None] / (tempo * np.array(_FRACTIONS))
        agrees = (np.abs(np.log(ratios)) < tolerance).any(axis=1)
        return float((strength * agrees).sum() / (strength.sum() + 1e-12))


def tempogram(
    envelope: Envelope, check: Callable[[], None], window_seconds: float = 10.0, hop_seconds: float = 1.0
) -> Tempogram:
    """Strength of every tempo of TEMPOS around each moment."""
    length, hop = round(window_seconds * FRAME_RATE), round(hop_seconds * FRAME_RATE)
    padded = np.pad(envelope, (0, max(length - len(envelope), 0)))
    shape = np.hanning(length)
    lags = FRAME_RATE * 60.0 / TEMPOS
    bins = TEMPOS / 60.0 / FRAME_RATE * _PADDING * length
    overlap = _autocorrelation(np.fft.rfft(shape, _PADDING * length))
    rows, middles = [], []
    for start in range(0, len(padded) - length + 1, hop):
        check()
        part = padded[start : start + length]
        part = (part - part.mean()) * shape
        spectrum = np.fft.rfft(part, _PADDING * length)
        energy = float(np.square(part).sum())
        fourier = np.interp(bins, np.arange(len(spectrum)), np.abs(spectrum)) / np.sqrt(
            length * energy + 1e-9
        )
        same = _autocorrelation(spectrum) / np.maximum(overlap, _LEAST_OVERLAP)
        steps = np.arange(len(same))
        repeated = sum(np.interp(lags * beats, steps, same, right=0.0) for beats in (1, 2))
        rows.append(fourier * np.maximum(repeated, 0.0) / 2.0)
        middles.append((start + length / 2) / FRAME_RATE)
    return Tempogram(np.array(rows), np.array(middles))


def _autocorrelation(spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Of the signal with this spectrum, 1 at no lag; its first half."""
    found = np.fft.irfft(np.square(np.abs(spectrum)))
    return np.asarray(found[: len(found) // 2] / (found[0] + 1e-9))


def preference(tempo: NDArray[np.float64] | float, centre: float, octaves: float) -> NDArray[np.float64]:
    """How readily people tap at a tempo: log-normal (D. Moelants, "Preferred tempo reconsidered", 2002)."""
    return np.asarray(np.exp(-0.5 * np.square(np.log2(np.asarray(tempo) / centre) / octaves)))


def peaks(curve: NDArray[np.float64], most: int) -> list[float]:
    """Tempos of the greatest local maxima of a curve over TEMPOS, best first."""
    inner = np.flatnonzero((curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:])) + 1
    best = sorted(inner, key=lambda index: -curve[index])[:most]
    return [float(TEMPOS[index]) for index in best] or [float(TEMPOS[int(np.argmax(curve))])]
