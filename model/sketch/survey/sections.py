"""The parts of a song: where its sound or harmony turns into another, and which parts are alike (A B A).

Bars are compared with bars; borders are where a checkerboard kernel fits that matrix best (J. Foote, "Automatic audio
segmentation using a measure of audio novelty", ICME 2000). Parts with like bars at like places share a letter.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

_KERNEL_BARS = 4
_LEAST_BARS = 4
_LEAST_NOVELTY = 0.22  # of the greatest; less is a fill or a new note
_PHRASE_BONUS = 1.2  # borders are mostly a multiple of four bars apart
# Sound on both sides of a border differs by so many dB in the mean of all bands: less is no border, more is as clear as
# can be.
_LEAST_STEP_DB, _CLEAR_STEP_DB = 1.5, 6.0
_SAME = 0.5  # share of the way from unlike parts to like bars at which two parts share a letter
_MOST_SECTIONS = 26


@dataclass(frozen=True)
class Part:
    """Bars [first, last), counted from 0. clear: 0..1, how marked its borders are."""

    name: str
    first: int
    last: int
    clear: float


def find_parts(sound: Rows, harmony: Rows) -> list[Part]:
    """Parts of a song with these features of each bar [bars, k]; one part, "A", where nothing turns.

    sound: dB of each band; harmony: chroma.
    """
    count = len(sound)
    if count < 2 * _LEAST_BARS:
        return [Part("A", 0, count, 0.0)] if count else []
    alike = _alike(sound, harmony)
    novelty = _novelty(alike)
    steps = np.array([_step_db(sound, bar) for bar in range(count)])
    borders = [0, *_borders(np.where(steps < _LEAST_STEP_DB, 0.0, novelty)), count]
    names = _letters(alike, borders)
    clear = np.clip((steps - _LEAST_STEP_DB) / (_CLEAR_STEP_DB - _LEAST_STEP_DB), 0.0, 1.0)
    clear = clear * np.sqrt(novelty / (float(novelty.max()) + 1e-9))
    marked = [1.0, *(float(clear[border]) for border in borders[1:-1]), 1.0]
    spans = zip(names, borders[:-1], borders[1:], marked[:-1], marked[1:], strict=True)
    if len(names) == 1:
        return [Part("A", 0, count, 0.0)]  # nothing turned: no finding to be sure of
    return [Part(name, first, last, min(left, right)) for name, first, last, left, right in spans]


def _step_db(sound: Rows, bar: int) -> float:
    """How far apart the bands' mean levels are before and after a bar line, root mean square over the bands."""
    before, after = sound[max(bar - _KERNEL_BARS, 0) : bar], sound[bar : bar + _KERNEL_BARS]
    if not len(before) or not len(after):
        return 0.0
    return float(np.sqrt(np.square(after.mean(axis=0) - before.mean(axis=0)).mean()))


def _alike(sound: Rows, harmony: Rows) -> Rows:
    """How alike two bars are, -1..1; [bars, bars]."""

    def cosines(rows: Rows) -> Rows:
        centred = rows - rows.mean(axis=0)
        unit = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9)
        return np.asarray(unit @ unit.T)

    return 0.7 * cosines(sound) + 0.3 * cosines(harmony)


def _novelty(alike: Rows) -> Rows:
    """How much each bar begins something new, 0 and up; [bars]."""
    count, reach = len(alike), _KERNEL_BARS
    found = np.zeros(count)
    for bar in range(2, count - 1):
        size = min(reach, bar, count - bar)
        before, after = slice(bar - size, bar), slice(bar, bar + size)
        within = (alike[before, before].mean() + alike[after, after].mean()) / 2.0
        found[bar] = max(within - alike[before, after].mean(), 0.0)
    return found


def _borders(novelty: Rows) -> list[int]:
    """Bars that begin a part, greatest novelty first chosen, at least _LEAST_BARS apart; in order."""
    count = len(novelty)
    least = _LEAST_NOVELTY * float(novelty.max())
    chosen: list[int] = []
    while least > 0.0 and len(chosen) < _MOST_SECTIONS - 1:
        weighed = novelty.copy()
        for bar in range(count):
            if any((bar - other) % 4 == 0 for other in (0, *chosen)):
                weighed[bar] *= _PHRASE_BONUS
        for other in (0, *chosen, count):
            weighed[max(other - _LEAST_BARS + 1, 0) : other + _LEAST_BARS] = 0.0
        best = int(np.argmax(weighed))
        if weighed[best] <= least:
            break
        chosen.append(best)
    return sorted(chosen)


def _letters(alike: Rows, borders: list[int]) -> list[str]:
    """A letter for each part: that of the first earlier part that is like it, or the next new one."""
    spans = [slice(first, last) for first, last in itertools.pairwise(borders)]
    inside = np.mean([alike[span, span].mean() for span in spans])
    overall = float(alike.mean())
    least = overall + _SAME * (float(inside) - overall)
    names: list[str] = []
    for index, span in enumerate(spans):
        scores = [float(alike[span, earlier].mean()) for earlier in spans[:index]]
        best = int(np.argmax(scores)) if scores else -1
        if best >= 0 and scores[best] > least:
            names.append(names[best])
        else:
            names.append(chr(ord("A") + len(set(names))))
    return names
