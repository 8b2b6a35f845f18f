"""Songs shared by the files of this folder: each is made and analysed once."""

from __future__ import annotations

import functools

import numpy as np

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Listening
from model.sketch.survey.onset_bands import OnsetBands, onset_bands
from tests.model.sketch.survey.rhythm_songs import (
    FOUR,
    SEVEN,
    SIX,
    WALTZ,
    RhythmSong,
    at_tempos,
    make,
    steady,
)

PACE = Pace(lambda _: None, lambda: False)
MADE = {
    "four": lambda: make(steady(121.0, 16), FOUR, lead_in=0.7),
    "waltz": lambda: make(steady(132.0, 18, 3), WALTZ, 3, seed=1),
    "six": lambda: make(steady(240.0, 16, 6), SIX, 6, seed=2),
    "seven": lambda: make(steady(280.0, 20, 7), SEVEN, 7, seed=3),
    "ramp": lambda: make(at_tempos(np.linspace(92.0, 124.0, 64)), FOUR, lead_in=0.4, seed=4),
    "drift": lambda: make(at_tempos(np.linspace(120.0, 118.0, 80)), FOUR, seed=5),
    "parts": lambda: make(steady(120.0, 24), FOUR, form="AABBAA", seed=6),
    "noisy": lambda: make(steady(128.0, 14), FOUR, lead_in=3.21, noise=0.004, seed=7),
}


@functools.cache
def made(name: str) -> RhythmSong:
    """A song of the table, the same at every call."""
    return MADE[name]()


@functools.cache
def heard(name: str) -> Listening:
    """Its analysis."""
    return analysis.listen(made(name).song, PACE)


@functools.cache
def bands(name: str) -> OnsetBands:
    """Its onsets."""
    return onset_bands(heard(name).mono, lambda: None)
