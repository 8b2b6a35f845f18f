"""Where a song stands at the place it is to go on from: at its level, fading out, or after its last notes.

Knows beats and their levels, no audio.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats


@dataclass(frozen=True)
class Fade:
    """A fade-out.

    first, end: the beats [first, end) that fade.
    slope_db:   how many dB a second it falls.
    level_db:   level that it starts from, as the level of beats.
    """

    first: int
    end: int
    slope_db: float
    level_db: float

    def depth_db(self, beats: Beats, seconds: float) -> float:
        """How many dB below its start the fade is at a time within it."""
        return max(self.slope_db * (seconds - float(beats.seconds[self.first])), 0.0)

    def fallen_db(self, beats: Beats, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """How many dB it has taken from each of some beats; 0 for those that do not fade."""
        fading = (rows >= self.first) & (rows < self.end) & beats.inside[rows]
        return np.where(fading, self.slope_db * (beats.seconds[rows] - beats.seconds[self.first]), 0.0)


@dataclass(frozen=True)
class Standing:
    """Where the song is when the continuation begins.

    beat:  the last relevant beat.
    fade:  the fade-out that the continuation begins in; `beat` is before it.
    ended: its last notes ring out or have rung out, and `beat` is the last one at full level.
    """

    beat: int
    fade: Fade | None = None
    ended: bool = False

    @property
    def faded(self) -> bool:
        return self.fade is not None

    @property
    def goes_back(self) -> bool:
        """Whether `beat` is not the last one that sounds."""
        return self.faded or self.ended


def standing(beats: Beats, first_target: int) -> Standing:
    """Where the song stands before beat `first_target`; before the fade-out or its end, if it fades or ends there."""
    sounding = np.flatnonzero(beats.sounding[:first_target])
    if len(sounding) == 0:
        every = np.flatnonzero(beats.inside)
        return Standing(int(every[0]) if len(every) else 0)
    now = int(sounding[-1])
    last = int(np.flatnonzero(beats.inside[:first_target])[-1]) + 1
    if last - now > p.FADE_OUT_BARS * int(beats.bar_beats[now]):
        return Standing(now)  # after a long silence
    fade = fade_around(beats, last)
    if fade is not None and _struck(beats, fade):
        noticed = fade.depth_db(beats, float(beats.seconds[last])) >= p.SWELL_LEAST_DB
        return Standing(fade.first - 1, fade) if noticed else Standing(now)
    return _after_end(beats, now, last)


def fade_around(beats: Beats, place: int) -> Fade | None:
    """The fade-out in which beat `place` lies, or at whose end; None without one.

    Looks ahead, too: a fade shows only after some bars, and a region may begin within its first ones.
    """
    found = fade_before(beats, place)
    bar = int(beats.bar_beats[place - 1])
    for end in range(place + bar, _silence_after(beats, place, bar) + 1, bar):
        later = fade_before(beats, end)
        if later is not None and later.first < place:
            found = later
    return None if found is None else replace(found, end=_end_of(beats, found, bar))


def _silence_after(beats: Beats, place: int, bar: int) -> int:
    """The beat at which a bar without sound begins, or the last one that a fade around `place` may reach."""
    furthest = min(place + p.FADE_LONGEST_BARS * bar, len(beats))
    for beat in range(place, furthest):
        if not beats.sounding[beat : beat + bar].any():
            return beat
    return furthest


def _end_of(beats: Beats, fade: Fade, bar: int) -> int:
    """Where a fade ends that was measured in whole bars: at most a bar further on."""
    end = fade.end
    while end < min(fade.end + bar, len(beats)) and beats.sounding[end]:
        if fade.level_db - beats.level[end] < 0.5 * fade.depth_db(beats, float(beats.seconds[end])):
            break
        end += 1
    return end


def fade_before(beats: Beats, end: int) -> Fade | None:
    """The fade-out that has come as far as beat `end`; None where the bars before it do not fade.

    The bars' levels are a plateau and then a line that falls from it: of all bars that the line may begin with, the one
    that leaves the least difference.
    """
    bar = int(beats.bar_beats[end - 1])
    count = min(p.FADE_LONGEST_BARS + p.FADE_PLATEAU_BARS, _bars_inside(beats, end, bar))
    least = p.FADE_SHORTEST_BARS
    if count < 2 * least:
        return None
    edges = end - bar * np.arange(count, -1, -1)
    # Upper quartiles, because a pause between two beats of a bar is no fade.
    levels = np.array([np.percentile(beats.level[a : a + bar], 75) for a in edges[:-1]], dtype=np.float64)
    best, smallest = None, np.inf
    for first in range(max(least, count - p.FADE_LONGEST_BARS), count - least + 1):
        plateau = float(np.median(levels[max(first - p.FADE_PLATEAU_BARS, 0) : first]))
        place = np.arange(count - first) + 0.5
        slope = float(np.vdot(place, plateau - levels[first:]) / np.vdot(place, place))
        line = plateau - slope * np.maximum(np.arange(count) + 0.5 - first, 0.0)
        apart = np.abs(levels - line)[max(first - p.FADE_PLATEAU_BARS, 0) :]
        if apart.mean() < smallest:
            smallest = float(apart.mean())
            best = (first, plateau, slope, float(apart[first - count :].mean()))
    assert best is not None, "at least one bar may begin it"
    first, plateau, slope, apart_fading = best
    depth = slope * (count - first)
    falling = np.diff(levels[first - 1 :])
    steady = apart_fading <= p.FADE_STRAY * depth and falling.min() > -p.FADE_STEP * depth
    deep = plateau - levels[-1] >= p.FADE_OUT_DB and levels[-1] <= levels[:-1].min() + p.FADE_LAST_DB
    if not steady or not deep:
        return None
    begins = int(edges[first])
    seconds = float(beats.seconds[end] - beats.seconds[begins])
    return Fade(begins, end, depth / max(seconds, 1e-6), plateau)


def _bars_inside(beats: Beats, end: int, bar: int) -> int:
    """How many whole bars of the song come before beat `end`."""
    inside = np.flatnonzero(beats.inside[:end])
    return (end - int(inside[0])) // bar if len(inside) else 0


def _struck(beats: Beats, fade: Fade) -> bool:
    """Whether notes begin in the later half of a fade; a short one without them is a last chord that rings out."""
    if beats.seconds[fade.end] - beats.seconds[fade.first] > p.RING_OUT_SECONDS:
        return True
    middle = (fade.first + fade.end) // 2
    before = range(max(fade.first - (fade.end - middle), 0), fade.first)
    struck = [sum(beats.attack(beat) for beat in part) for part in (before, range(middle, fade.end))]
    return struck[1] > 0 or struck[0] == 0


def unfaded(beats: Beats, fade: Fade) -> Beats:
    """The beats as if the song had not faded: the levels of its fading ones raised to those before."""
    raised = fade.fallen_db(beats, np.arange(len(beats))).astype(np.float32)
    each = raised[:, None]
    return replace(
        beats,
        mel=beats.mel + each,
        tail=beats.tail + each,
        head=beats.head + each,
        level=beats.level + raised,
    )


def _after_end(beats: Beats, now: int, last: int) -> Standing:
    """Where the song stands if it does not fade: before the last notes, if they ring out or silence follows them."""
    bar = int(beats.bar_beats[now])
    full = float(np.percentile(beats.level[beats.sounding], 75))
    loud = np.flatnonzero(beats.sounding[: now + 1] & (beats.level[: now + 1] > full - p.RING_OUT_DB))
    end = int(loud[-1]) if len(loud) else now
    if end == now or now - end > p.RING_OUT_BARS * bar:
        return Standing(now)
    ringing = range(end + 1, now + 1)
    if now == last - 1 and any(beats.attack(beat) for beat in ringing):
        return Standing(now)
    rings: NDArray[np.float32] = np.diff(beats.level[end : now + 1])
    if now == last - 1 and (len(rings) < p.RING_OUT_BEATS or rings.max() > 0.0):
        return Standing(now)
    return Standing(end, ended=True)
