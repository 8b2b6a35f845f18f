"""Matches a rendered passage to the level of the audio it replaces, and limits its peaks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.dsp import loudness
from model.engine import Samples
from model.sketch import parameters as p


def matching_gain_db(rendered: float, wanted: float, limit: float) -> float:
    """Gain from loudness `rendered` to `wanted` (LUFS), within +-limit; 0 if either is silent."""
    if min(rendered, wanted) < p.SILENT_LUFS:
        return 0.0
    return float(np.clip(wanted - rendered, -limit, limit))


def ramped(gain: float, length: int, rate: int, at_start: bool, at_end: bool) -> NDArray[np.float32]:
    """`gain` (linear) over `length` frames, ramped from and to unity at the edges that meet the song."""
    curve = np.full(length, gain, dtype=np.float32)
    ramp = min(round(p.GAIN_RAMP_SECONDS * rate), length // 3)
    slope = np.linspace(1.0, gain, ramp, endpoint=False, dtype=np.float32)
    if at_start and ramp:
        curve[:ramp] = slope
    if at_end and ramp:
        curve[length - ramp :] = slope[::-1]
    return curve


def fade_out(length: int, first: int, last: int) -> NDArray[np.float32]:
    """1 before frame `first`, falling as a squared cosine, 0 from frame `last` on; [length]."""
    place = np.clip((np.arange(length) - first) / max(last - first, 1), 0.0, 1.0)
    return np.asarray(np.square(np.cos(0.5 * np.pi * place)), dtype=np.float32)


@dataclass(frozen=True)
class Swell:
    """A take's way back to full level, even in dB.

    frames:            how long it takes, from the region's start.
    first_db, last_db: the gains that it begins and ends with; it ends at 0 unless the song fades on after the region.
    """

    frames: int
    first_db: float
    last_db: float = 0.0

    @property
    def settles(self) -> bool:
        """Whether full level is reached."""
        return self.last_db == 0.0

    def gains(self, length: int, start: int = 0) -> NDArray[np.float32]:
        """Gains of `length` frames, of which frame `start` is the region's first; steady before and after; [length]."""
        ends = [start, start + max(self.frames, 1)]
        decibels = np.interp(np.arange(length), ends, [self.first_db, self.last_db])
        return np.asarray(10.0 ** (decibels / 20.0), dtype=np.float32)


FULL_SCALE = 1.0 - 2.0**-14
"""Just below what 16 bits write as full scale."""


def highest_sample(song: Samples, take: Samples) -> float:
    """How large a take's samples may be: just below full scale, or as large as the song's where those go further.

    A loud master's true peak lies above full scale, its samples do not: by the true peak alone a take could clip.
    """
    if max(take.max(initial=0.0), -take.min(initial=0.0)) <= FULL_SCALE:
        return FULL_SCALE
    return float(max(song.max(initial=0.0), -song.min(initial=0.0), FULL_SCALE))


def limit_peaks(
    samples: Samples, rate: int, ceiling: float, highest: float = math.inf
) -> tuple[Samples, float]:
    """Samples with no true peak above `ceiling` and none itself above `highest` (linear), and the deepest gain used.

    1 = untouched.
    """
    over = loudness.frame_peaks(samples) / ceiling
    if math.isfinite(highest):
        over = np.maximum(over, np.abs(samples).max(axis=1) / highest)
    if over.max(initial=0.0) <= 1.0:
        return samples, 1.0
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    needed = np.minimum(1.0, 1.0 / np.maximum(over, 1e-9))
    # A minimum over a window, then a mean over the same: the gain is fully reduced at each peak, without steps.
    window = 2 * max(round(p.LIMITER_SECONDS * rate / 2), 1) + 1
    gain = uniform_filter1d(minimum_filter1d(needed, window), window)
    return np.asarray(samples * gain[:, None], dtype=np.float32), float(gain.min())
