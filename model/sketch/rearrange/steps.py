"""How much a join steps in level and spectrum where the song does not: the price of joins before they are made.

A join is noticed where what precedes it is not what precedes the new beat in the song, and what begins there is not
what would have begun. If either fits, the step is one that the song has, too: a hit after a rest is no fault.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch.analysis.beats import Beats
from model.sketch.rearrange.distance import distances


def unlike(beats: Beats, planned: NDArray[np.intp], new: NDArray[np.intp]) -> NDArray[np.float64]:
    """Root mean square band difference in dB between the sound around two beats; [len(planned), len(new)].

    planned: the beat that would follow; new: the one that does. Of the sounds before them and those after them, the
    more alike count. Beats beyond the grid are its last one.
    """
    last = len(beats) - 1
    one, other = np.clip(planned, 0, last), np.clip(new, 0, last)
    before, after = (distances(rows[one], rows[other]) for rows in (beats.tail, beats.head))
    return np.asarray(np.minimum(before, after) / np.sqrt(beats.tail.shape[1]))
