"""The accent that a run brings along: a hit that is sharper than the one it replaces.

It is what stands out like a click at a join. Crossfades were measured to add none: at every inner join of real music
with a click, it was one that the new bar has in the song, too (`benchmarks/real_music/clicking.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats


def added(beats: Beats, targets: NDArray[np.intp], sources: NDArray[np.intp]) -> NDArray[np.float64]:
    """How much sharper each source begins than each target, beyond what is usual in the song; [T, N].

    0 up to the sharpness that three in four of the song's beats stay below, or the target's if that is more; 1 for a
    beat as sharp as one in twenty in place of a usual one, and on in proportion: where hits are equal, a few decibels
    are an accent.
    """
    if not beats.sounding.any():
        return np.zeros((len(targets), len(sources)))
    sharpness = beats.sharpness.astype(np.float64)
    usual, rare = np.quantile(sharpness[beats.sounding], (p.USUAL_ACCENT, p.RARE_ACCENT))
    replaced = np.maximum(sharpness[targets], usual)
    beyond = np.maximum(sharpness[sources][None] - replaced[:, None], 0.0)
    return np.asarray(beyond / max(rare - usual, p.RARE_ACCENT_LEAST_DB))
