"""How much a join steps in level and spectrum where the song does not: the price of joins before they are made.

A join is noticed where what precedes it is not what precedes the new beat in the song, and what begins there is not
what would have begun. If either fits, the step is one that the song has, too: a hit after a rest is no fault.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats, Rows
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


def arrangement_step(
    beats: Beats,
    planned: NDArray[np.intp],
    new: NDArray[np.intp],
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """How far the bar before one beat is from the bar that begins with another; [len(planned), len(new)].

    planned: the beat that would follow; new: the one that does. In dB, the mean of the bands, beyond what the song's
    own bars differ by: a share USUAL_STEP of its bar lines shows less. 0 between beats at unlike places in the bar,
    which are next to forbidden anyway: three in four pairs of a long song are such. check: called between the places;
    may raise.
    """
    before, after = _bars_beside(beats)
    last = len(beats) - 1
    one, other = np.clip(planned, 0, last), np.clip(new, 0, last)
    usual, steps = usual_step(beats), np.zeros((len(one), len(other)))
    for place in np.unique(beats.position[one]):
        check()
        rows, columns = (np.flatnonzero(beats.position[some] == place) for some in (one, other))
        following = after[other[columns]]
        for row in rows:
            steps[row, columns] = np.maximum(np.abs(following - before[one[row]]).mean(axis=1) - usual, 0.0)
    return steps


def usual_step(beats: Beats) -> float:
    """The arrangement step in dB that a share USUAL_STEP of the song's bar lines stays below; infinite without any."""
    before, after = _bars_beside(beats)
    lines = np.flatnonzero(beats.sounding & (beats.position == 0))
    lines = lines[(lines > 0) & beats.sounding[np.maximum(lines - 1, 0)]]
    if len(lines) < p.USUAL_STEP_LEAST:
        return np.inf
    return float(np.quantile(np.abs(before[lines] - after[lines]).mean(axis=1), p.USUAL_STEP))


def _bars_beside(beats: Beats) -> tuple[Rows, Rows]:
    """Mean spectra in dB of the bar's length before and after the start of each beat; [beats, bands]."""
    total = np.concatenate(
        [np.zeros((1, beats.mel.shape[1])), np.cumsum(beats.mel, axis=0, dtype=np.float64)]
    )
    here = np.arange(len(beats))
    first = np.maximum(here - beats.bar_beats, 0)
    end = np.minimum(here + beats.bar_beats, len(beats))
    before = (total[here] - total[first]) / np.maximum(here - first, 1)[:, None]
    after = (total[end] - total[here]) / (end - here)[:, None]
    return before.astype(np.float32), after.astype(np.float32)
