"""Planning bars ahead: what follows places like the current one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Analysis
from model.sketch.rearrange import progression
from tests.model.sketch.songs import Generated, make_song

LEAD = 8


def analysed(made: Generated) -> Analysis:
    pace = Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace)


@pytest.fixture(scope="module")
def pop() -> Generated:
    return make_song(24)


@pytest.fixture(scope="module")
def pop_heard(pop: Generated) -> Analysis:
    return analysed(pop)


def sources(found: Analysis) -> np.ndarray:
    return np.flatnonzero(found.beats.inside)


def test_plans_follow_the_songs_own_chord_steps(pop: Generated, pop_heard: Analysis) -> None:
    targets = np.arange(LEAD + 96, LEAD + 96 + 32)
    like = progression.planned(pop_heard.beats, targets, sources(pop_heard), LEAD + 95, 0.5, [1])
    chords = pop.chords[like - LEAD]
    known = set(zip(pop.chords[:-1].tolist(), pop.chords[1:].tolist(), strict=True))
    steps = list(zip(chords[:-1].tolist(), chords[1:].tolist(), strict=True))
    assert np.mean([step in known for step in steps]) >= 0.95
    assert (pop_heard.beats.position[like] == pop_heard.beats.position[targets]).all()


def test_equal_numbers_give_equal_plans_and_others_do_not(pop_heard: Analysis) -> None:
    targets = np.arange(LEAD + 96, LEAD + 96 + 32)
    plans = [
        progression.planned(pop_heard.beats, targets, sources(pop_heard), LEAD + 95, 0.5, [seed])
        for seed in (1, 1, 2, 3, 4)
    ]
    assert np.array_equal(plans[0], plans[1])
    assert any(not np.array_equal(plans[0], plan) for plan in plans[2:])


def test_the_closing_beat_is_a_tonic_downbeat(pop: Generated, pop_heard: Analysis) -> None:
    beat = progression.closing_beat(pop_heard.beats, sources(pop_heard), 0, pop_heard.listening.envelope)
    assert pop.chords[beat - LEAD] == 0
    assert pop_heard.beats.position[beat] == 0


def test_after_silence_a_plan_begins_with_a_beat_that_begins_with_a_note(pop_heard: Analysis) -> None:
    """Half the downbeats, the later ones, are made to lie within held notes."""
    beats, targets = pop_heard.beats, np.arange(LEAD + 96, LEAD + 112)
    step = beats.step.copy()
    step[LEAD + 48 :] = 0.0
    still = replace(beats, step=step)

    def first_beats(silence: bool) -> list[int]:
        plans = (
            progression.planned(still, targets, sources(pop_heard), LEAD + 95, 0.5, [seed], silence)
            for seed in range(12)
        )
        return [int(plan[0]) for plan in plans]

    assert max(first_beats(silence=False)) >= LEAD + 48
    assert max(first_beats(silence=True)) < LEAD + 48
