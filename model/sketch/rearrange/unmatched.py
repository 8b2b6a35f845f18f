"""Says where nothing else in the song sounds like the replaced bars, or where a take had to use other ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import plan


def notes(
    beats: Beats, targets: NDArray[np.intp], sources: NDArray[np.intp], path: NDArray[np.intp]
) -> tuple[str, ...]:
    """A note for each kind of bar that another arrangement stands in for; path: the source beat of each target [T]."""
    apart = plan.bar_texture_distance(beats, targets, sources)
    chosen = apart[np.arange(len(path)), np.searchsorted(sources, path)]
    limit = unlike_db(beats)
    alone = _bars(beats, targets, apart.min(axis=1) > limit)
    elsewhere = [bar for bar in _bars(beats, targets, chosen > limit) if bar not in alone]
    found = []
    if alone:
        found.append(
            f"Nothing else in the song sounds like bar{'s' if len(alone) > 1 else ''} {in_words(alone)}: "
            "other bars stand in there."
        )
    if elsewhere:
        found.append(
            f"In bar{'s' if len(elsewhere) > 1 else ''} {in_words(elsewhere)} the arrangement is another one than "
            "before: listen whether it fits."
        )
    return tuple(found)


def unlike_db(beats: Beats) -> float:
    """From which mean band difference on two bars have another arrangement: twice that of neighbours in the song."""
    texture = plan.bar_texture(beats)[beats.sounding & (beats.position == 0)]
    if len(texture) < 3:
        return p.UNLIKE_DB
    steps = np.abs(np.diff(texture, axis=0)).mean(axis=1)
    return max(p.UNLIKE_DB, p.UNLIKE_STEPS * float(np.median(steps)))


def _bars(beats: Beats, targets: NDArray[np.intp], where: NDArray[np.bool_]) -> list[int]:
    """Numbers of the bars of which at least half the beats are marked."""
    numbers = beats.bar[targets]
    return [int(bar) for bar in np.unique(numbers) if where[numbers == bar].mean() >= 0.5]


def in_words(bars: list[int]) -> str:
    """ "3", "3-5", "3, 7-8" of ascending bar numbers."""
    runs: list[list[int]] = []
    for bar in bars:
        if runs and bar == runs[-1][-1] + 1:
            runs[-1].append(bar)
        else:
            runs.append([bar])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
