"""How much a join steps in level and spectrum where the song does not: the price of joins before they are made.

A join is noticed where what precedes it is not what precedes the new beat in the song, and what begins there is not
what would have begun. If either fits, the step is one that the song has, too: a hit after a rest is no fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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


def held(beats: Beats, sources: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far each beat begins within notes rather than with one, 0..1; 0 for pauses and after them; [sources].

    By the rise of its bands and by its attack, each against those of the song: dense music rises little anywhere. Where
    nothing sounds before such a beat, what is heard first is a note cut off.
    """
    rise = _among_the_songs(beats, beats.step, p.START_RISE_DB)[sources]
    attack = _among_the_songs(beats, beats.onset, p.START_ONSET)[sources]
    # Where the attack comes early, the bands before the beat have risen already.
    early = beats.late[sources] < -p.JOIN_BEFORE_BEAT_SECONDS
    begins = np.where(early, attack, np.sqrt(rise * attack))
    in_music = beats.sounding[sources] & beats.sounding[np.maximum(sources - 1, 0)]
    return np.asarray((1.0 - begins) * in_music, dtype=np.float64)


def _among_the_songs(beats: Beats, strength: Rows, bounds: tuple[float, float]) -> NDArray[np.float64]:
    """0 for nothing, 1 from what START_CLEAR of the song's beats stay below, if that is within `bounds`; [beats]."""
    clear = float(np.quantile(strength[beats.sounding], p.START_CLEAR)) if beats.sounding.any() else 0.0
    return np.asarray(np.clip(strength.astype(np.float64) / np.clip(clear, *bounds), 0.0, 1.0))


def arrangement_step(
    beats: Beats,
    planned: NDArray[np.intp],
    new: NDArray[np.intp],
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """How far the bar before one beat is from the bar that begins with another; [len(planned), len(new)].

    planned: the beat that would follow; new: the one that does. The mean of the bands, beyond what three in four of the
    song's own bar lines show, 1 at what one in twenty shows: in a song of equal bars less is noticed than in one that
    changes all the time. check: called between the rows; may raise.
    """
    before, after = _bars_beside(beats)
    last = len(beats) - 1
    one, other = np.clip(planned, 0, last), np.clip(new, 0, last)
    following = after[other]
    steps = np.empty((len(one), len(other)))
    for row, beat in enumerate(one):
        check()
        steps[row] = np.abs(following - before[beat]).mean(axis=1)
    return _rarity(steps, own_steps(beats))


def own_steps(beats: Beats) -> tuple[float, float] | None:
    """The steps in dB at the song's own bar lines: what USUAL_STEP of them stay below, and what RARE_STEP do.

    At least RARE_LEAST_DB apart, as bars that are copies of each other do not step at all. None where the song has too
    few bar lines for anything to be usual.
    """
    before, after = _bars_beside(beats)
    lines = np.flatnonzero(beats.sounding & (beats.position == 0))
    lines = lines[(lines > 0) & beats.sounding[np.maximum(lines - 1, 0)]]
    if len(lines) < p.USUAL_STEP_LEAST:
        return None
    own = np.abs(before[lines] - after[lines]).mean(axis=1)
    usual, rare = (float(np.quantile(own, share)) for share in (p.USUAL_STEP, p.RARE_STEP))
    return usual, max(rare, usual + p.RARE_LEAST_DB)


def _rarity(decibels: NDArray[np.float64], own: tuple[float, float] | None) -> NDArray[np.float64]:
    """0 for steps that are usual among the song's own, 1 for rare ones, and on in proportion."""
    if own is None:
        return np.zeros_like(decibels)
    usual, rare = own
    return np.asarray(np.maximum(decibels - usual, 0.0) / (rare - usual))


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


def unpriced_steps(beats: Beats, targets: NDArray[np.intp], path: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far the bars of a take step at each bar line inside it, beyond what its joins there have paid for; [T].

    path: the source beat of each target. Measured as `arrangement_step`, which knows the bars beside a join as the song
    has them: a run shorter than a bar comes to stand beside other ones, and a run may bring a change of the song's to
    bars that have none. What the song steps at that line itself is free.
    """
    played = np.arange(len(beats))
    played[targets] = path
    before, after = _bars_beside(replace(beats, mel=beats.mel[played]))
    own_before, own_after = _bars_beside(beats)
    own = own_steps(beats)

    def step(one: Rows, other: Rows) -> NDArray[np.float64]:
        return _rarity(np.abs(one - other).mean(axis=1, dtype=np.float64), own)

    follows = np.append(path[0], np.minimum(path[:-1] + 1, len(beats) - 1))
    paid = np.where(follows == path, 0.0, step(own_before[follows], own_after[path]))
    there = step(own_before[targets], own_after[targets])
    unpaid = np.maximum(step(before[targets], after[targets]) - there - paid, 0.0)
    line = (beats.position[targets] == 0) & (np.arange(len(path)) > 0)
    return np.asarray(np.where(line, unpaid, 0.0))
