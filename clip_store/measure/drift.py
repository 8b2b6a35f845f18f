"""How far the notes in a stretch of sound begin from the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_store.audio.audio import Samples
from model.dsp.onsets import find_onsets

MIN_ONSETS = 4
"""Fewer onsets than this say nothing about timing."""

_EARLY_SECONDS = 0.003


@dataclass(frozen=True)
class OnsetDrift:
    """How onsets lie to the nearest grid line, in milliseconds; positive is late.

    offset_ms is the signed median, median_ms and p90_ms are of absolute distances.
    """

    count: int
    offset_ms: float
    median_ms: float
    p90_ms: float


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
