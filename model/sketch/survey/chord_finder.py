"""The chords of a song: the likeliest triad on each beat, from the pitch classes between its pulses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.blueprint import TimedChord
from model.sketch.analysis import chords
from model.sketch.analysis.chords import Key
from model.sketch.survey.bars import Bars
from model.sketch.survey.pulse_features import PulseFeatures


def find_chords(
    pulses: NDArray[np.float64], features: PulseFeatures, bars: Bars, key: Key
) -> tuple[tuple[TimedChord, ...], float]:
    """Every change of chord, in seconds of its beat, and how clear they are, 0..1."""
    beat = (
        bars.beat if bars.bar % bars.beat == 0 else 1
    )  # in 7/8 beats of two pulses would cross the bar lines
    start = bars.first % beat
    beats = (len(pulses) - start) // beat
    if beats < 1:
        return (), 0.0
    per_pulse = chords.emissions(features.treble, features.bass, key)
    sounding = np.concatenate([features.treble, features.bass], axis=1) > 0.0
    grouped = slice(start, start + beats * beat)
    emission = per_pulse[grouped].reshape(beats, beat, 24).mean(axis=1)
    sounds = np.asarray(sounding[grouped].reshape(beats, beat * 24).any(axis=1))
    position = (np.arange(beats) * beat + start - bars.first) % bars.bar // beat
    cost = chords.change_costs(position.astype(np.int64))
    line = chords.chord_line(emission, cost)
    clear = chords.posteriors(emission, cost)[np.arange(beats), line]
    names = chords.names_of(line, sounds, key)
    times = pulses[start::beat]
    found = tuple(
        TimedChord(name, round(max(float(times[at]), 0.0), 4))
        for at, name in enumerate(names)
        if at == 0 or name != names[at - 1]
    )
    return found, float(clear.mean())
