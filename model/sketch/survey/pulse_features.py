"""What happens at each pulse: attacks by pitch, and how much the harmony and the sound change there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch.analysis import chroma
from model.sketch.analysis.analysis import Listening
from model.sketch.survey.onset_bands import OnsetBands, strength_near

Rows = NDArray[np.float64]

# Magnitudes below this are no sound (as chroma's floor); logarithms are taken above it.
_QUIET = 1e-2


@dataclass(frozen=True)
class PulseFeatures:
    """One row or value for each pulse.

    low, mid, top, full: strength of the attack there.
    bass, treble:  chroma from this pulse to the next, [pulses, 12].
    sound:         log spectrum from this pulse to the next, [pulses, bins].
    tuning:        semitones above A = 440 Hz.
    """

    low: Rows
    mid: Rows
    top: Rows
    full: Rows
    bass: chroma.Chroma
    treble: chroma.Chroma
    sound: NDArray[np.float32]
    tuning: float

    def accents(self, reach: int) -> Rows:
        """How much each pulse sounds like the first of a bar; mean 0, about 1 wide. reach: pulses before and after of
        which harmony and sound are compared, about two beats."""
        harmony = _change(np.concatenate([self.bass, self.treble], axis=1), reach)
        sound = _change(self.sound, reach)
        return np.asarray(
            1.0 * scaled(self.low)
            + 0.5 * scaled(self.mid)
            + 0.5 * scaled(self.full)
            + 1.0 * scaled(harmony)
            + 0.7 * scaled(sound)
        )


def pulse_features(
    pulses: NDArray[np.float64], bands: OnsetBands, listening: Listening, check: Callable[[], None]
) -> PulseFeatures:
    """Features of pulses at these seconds."""
    edges = np.append(pulses, pulses[-1] + (pulses[-1] - pulses[-2]))
    medians = chroma.beat_medians(listening.pitch, edges, check)
    bass, treble, tuning = chroma.beat_chroma(medians)
    return PulseFeatures(
        low=strength_near(bands.low, pulses),
        mid=strength_near(bands.mid, pulses),
        top=strength_near(bands.top, pulses),
        full=strength_near(bands.full, pulses),
        bass=bass,
        treble=treble,
        sound=np.log(medians + _QUIET) - np.float32(np.log(_QUIET)),
        tuning=tuning,
    )


def scaled(values: Rows) -> Rows:
    """Mean 0, standard deviation 1."""
    return np.asarray((values - values.mean()) / (values.std() + 1e-9))


def _change(rows: NDArray[np.float32], reach: int) -> Rows:
    """1 - the cosine of the means of `reach` rows before and after each pulse; the mean of all where there are none."""
    count = len(rows)
    running = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    here = np.arange(count)
    after = running[np.minimum(here + reach, count)] - running[here]
    before = running[here] - running[np.maximum(here - reach, 0)]
    norms = np.linalg.norm(after, axis=1) * np.linalg.norm(before, axis=1)
    found = np.where(norms > 1e-9, 1.0 - (after * before).sum(axis=1) / np.maximum(norms, 1e-9), 0.0)
    whole = slice(reach, max(count - reach, reach + 1))
    edge = (here < reach) | (here >= count - reach)
    return np.asarray(np.where(edge, found[whole].mean() if count > 2 * reach else 0.0, found))
