"""How sure each finding is, 0..1: figures set so that of the findings at 0.8 about eight in ten are right.

Measured with `python -m benchmarks.analyse`, which prints what became of each bin.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.sketch.analysis.chords import Key
from model.sketch.survey.bars import Bars, Level
from model.sketch.survey.steady_pulse import SteadyPulse

_LEAST, _MOST = 0.05, 0.98


def of_tempo(steady: SteadyPulse | None, seconds: float, played: float) -> float:
    """That the beats are where somebody would tap, at this tempo or an octave from it.

    played: the share of tracked beats at which something begins.
    """
    if steady is not None:
        return _bounded(0.97 - 6.0 * steady.wander if seconds > 20.0 else 0.85 - 6.0 * steady.wander)
    return _bounded(0.95 * played)


def of_octave(levels: list[Level]) -> float:
    """That a producer would write this tempo, not another that fits the same beats."""
    if len(levels) < 2:
        return _MOST
    return _bounded(1.0 / (1.0 + np.exp(-2.0 * (levels[0].score - levels[1].score))))


def of_downbeat(bars: Bars) -> float:
    """That bars begin here, given the tempo."""
    return _bounded(0.35 + 0.65 * bars.clear)


def of_meter(bars: Bars) -> float:
    """That a bar has so many beats."""
    return _bounded(0.6 + 0.4 * bars.clear_meter)


def of_key(scores: Mapping[Key, float]) -> float:
    """That the song is in this key, not in its relative or a neighbour."""
    best, following = sorted(scores.values(), reverse=True)[:2]
    return _bounded(0.4 + 4.0 * (best - following))


def of_chords(clear: float) -> float:
    """That the chord named on a beat is the one played. clear: mean probability of the named ones."""
    return _bounded(clear)


def _bounded(value: float) -> float:
    return round(float(np.clip(value, _LEAST, _MOST)), 2)
