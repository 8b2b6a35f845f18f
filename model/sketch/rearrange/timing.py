"""How a run is played against the grid: some parts of a song are ahead of the beat, some behind it.

At a steady tempo a run keeps the timing of the bars it was made from, so bars that are played alike are preferred.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats

_LEAST_CLEAR = 4
"""Attacks around a beat; with fewer nothing is known of how it is played."""


def lateness(beats: Beats) -> NDArray[np.float64]:
    """Seconds that the playing around each beat comes after the grid, 0 where that is not clear; [beats].

    The median of the attacks in two bars on each side: a single note beside the beat is meant to be.
    """
    reach = 2 * int(np.median(beats.bar_beats))
    late = np.pad(beats.late.astype(np.float64), reach, constant_values=np.nan)
    around = np.sort(sliding_window_view(late, 2 * reach + 1), axis=1)  # what is not clear comes last
    clear = np.isfinite(around).sum(axis=1)
    rows = np.arange(len(beats))
    middle = (around[rows, np.maximum(clear - 1, 0) // 2] + around[rows, clear // 2]) / 2.0
    return np.where(clear >= _LEAST_CLEAR, middle, 0.0)


def apart(beats: Beats, targets: NDArray[np.intp], sources: NDArray[np.intp]) -> NDArray[np.float64]:
    """By how many times TIMING_STEP_SECONDS each source is played otherwise than each target; [T, N].

    Beyond TIMING_HEARD_SECONDS, within which players differ anyway.
    """
    played = lateness(beats)
    differing = np.abs(played[targets][:, None] - played[sources][None])
    return np.asarray(np.maximum(differing - p.TIMING_HEARD_SECONDS, 0.0) / p.TIMING_STEP_SECONDS)
