"""A singer is told from an instrument by moving vowels and gliding pitch."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.channel_spectra import Framing, analyse, joint_magnitude
from model.sketch.separation.separation_parameters import DEFAULT
from model.sketch.separation.singer import (
    NO_EVIDENCE,
    Evidence,
    Timbre,
    gliding,
    movement,
    strongest,
    timbre_of,
)
from model.sketch.separation.voice import voice_line
from tests.model.sketch import stem_sounds

FRAMING = Framing.of(stem_sounds.RATE, DEFAULT.voice.window_seconds)


def quiet() -> None:
    """A tick nobody listens to."""


def measured(lead: str) -> Timbre:
    rng = np.random.default_rng(4)
    notes = [(0.1 + 0.5 * k, 0.46, 60.0 + (0, 4, 7, 5, 2)[k % 5]) for k in range(14)]
    length = 7 * stem_sounds.RATE
    if lead == "singer":
        sound = stem_sounds.singer(notes, length, rng)
    else:
        sound = stem_sounds.instrument_lead(lead, notes, length, rng)
    magnitude = joint_magnitude(analyse(sound.astype(np.float32)[:, None], FRAMING, quiet))
    line = voice_line(magnitude[:1000], FRAMING, DEFAULT.voice, quiet)
    return timbre_of(magnitude, FRAMING, line, DEFAULT.singer)


def test_words_move_the_spectrum_more_than_an_instrument_does() -> None:
    assert movement(measured("singer")) > DEFAULT.singer.least_movement + 1
    assert movement(measured("saxophone")) < DEFAULT.singer.least_movement - 0.5


def test_a_singer_glides() -> None:
    assert gliding(measured("singer")) > DEFAULT.singer.least_gliding


def test_too_little_to_judge_counts_as_nothing() -> None:
    short = Timbre(np.zeros((10, 5)), np.zeros(5), np.ones(5, dtype=bool))
    assert movement(short) == 0.0
    assert gliding(short) == 0.0


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(0.15, 5.0, 0.2), True),
        (Evidence(0.01, 5.0, 0.2), False),  # hardly anything there
        (Evidence(0.15, 1.5, 0.2), False),  # a saxophone
        (Evidence(0.15, 5.0, 0.01), False),  # a pad
    ],
)
def test_all_three_must_speak_for_a_singer(evidence: Evidence, expected: bool) -> None:
    assert evidence.of_a_singer(DEFAULT.singer) is expected


def test_one_sung_block_makes_a_singer() -> None:
    sung, solo = Evidence(0.1, 5.0, 0.2), Evidence(0.3, 1.5, 0.2)
    assert strongest([solo, sung, solo], DEFAULT.singer) is sung
    assert strongest([solo, NO_EVIDENCE], DEFAULT.singer) is solo
    assert strongest([], DEFAULT.singer) is NO_EVIDENCE
