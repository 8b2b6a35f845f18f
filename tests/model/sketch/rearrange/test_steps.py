"""The price of a join: what its milliseconds have that the song has not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import steps
from tests.model.sketch.songs import make_song


@pytest.fixture(scope="module")
def beats() -> Beats:
    made, pace = make_song(44), Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats


def test_to_play_on_costs_nothing(beats: Beats) -> None:
    every = np.arange(4, 20)
    assert np.diag(steps.unlike(beats, every, every)) == pytest.approx(0.0, abs=1e-2)


def test_a_jump_to_a_softer_place_costs_its_level(beats: Beats) -> None:
    tail, head = beats.tail.copy(), beats.head.copy()
    tail[10], head[10] = tail[9] - 12.0, head[9] - 12.0
    softer = replace(beats, tail=tail, head=head)
    assert steps.unlike(softer, np.array([9]), np.array([10]))[0, 0] == pytest.approx(12.0, abs=0.01)


def test_it_is_free_where_what_begins_is_what_would_have_begun(beats: Beats) -> None:
    head = beats.head.copy()
    head[10] = head[9]
    same = replace(beats, head=head)
    assert steps.unlike(same, np.array([9]), np.array([10]))[0, 0] == pytest.approx(0.0, abs=1e-2)


THIN = 20
"""The first beat of a bar in which half of the bands are 30 dB down."""


@pytest.fixture(scope="module")
def thinner(beats: Beats) -> Beats:
    mel = beats.mel.copy()
    mel[THIN : THIN + 4, 20:] -= 30.0
    return replace(beats, mel=mel)


def test_the_songs_own_order_is_no_step_of_the_arrangement(beats: Beats) -> None:
    lines = np.arange(12, 164, 4)
    own = np.diag(steps.arrangement_step(beats, lines, lines))
    assert np.mean(own == 0.0) >= p.USUAL_STEP - 0.2
    assert 1.0 < own.max() < 2.0


def test_a_bar_without_half_its_bands_is_a_step_of_the_arrangement(thinner: Beats) -> None:
    """However alike the milliseconds around the join are."""
    full, thin = steps.arrangement_step(thinner, np.array([16]), np.array([16, THIN]))[0]
    usual, rare = unwrapped(steps.own_steps(thinner))
    assert full < 0.5
    assert thin > (10.0 - usual) / (rare - usual), (
        "half the bands are 30 dB down: more than 10 dB on the mean"
    )


def test_a_jump_across_the_bar_does_not_get_around_the_price(thinner: Beats) -> None:
    """Else a run would begin on a wrong beat, where that is cheaper than to pay for the change."""
    across = steps.arrangement_step(thinner, np.array([16]), np.arange(THIN - 1, THIN + 2))[0]
    assert across.min() > 0.6 * across.max() > 1.0


def test_steps_count_by_those_of_the_song(beats: Beats) -> None:
    """A song whose bars differ twice as much has the same prices."""
    some = np.arange(12, 44)
    wider = replace(beats, mel=2.0 * beats.mel)
    usual, rare = unwrapped(steps.own_steps(beats))
    assert rare - usual > p.RARE_LEAST_DB
    assert steps.arrangement_step(wider, some, some) == pytest.approx(
        steps.arrangement_step(beats, some, some), abs=1e-4
    )


def test_between_bars_that_are_copies_a_step_has_a_price_all_the_same(beats: Beats) -> None:
    mel = np.repeat(beats.mel[8:9], len(beats), axis=0)
    mel[THIN : THIN + 4] -= 3.0  # one of 43
    looped = replace(beats, mel=mel)
    assert steps.arrangement_step(looped, np.array([THIN]), np.array([THIN]))[0, 0] == pytest.approx(
        3.0 / p.RARE_LEAST_DB, rel=0.01
    )


def test_a_song_of_few_bars_has_no_usual_step(beats: Beats) -> None:
    few = replace(beats, sounding=beats.sounding & (np.arange(len(beats)) < 24))
    assert steps.own_steps(few) is None
    assert not steps.arrangement_step(few, np.array([16]), np.array([20])).any()
    assert not steps.unpriced_steps(few, np.arange(32, 40), np.arange(16, 24)).any()


def test_a_run_pays_for_a_change_that_it_brings_along(thinner: Beats) -> None:
    """Bars 4 to 6 of the song, where the second is the thin one, in place of bars that all are full."""
    charged = steps.unpriced_steps(thinner, np.arange(36, 48), np.arange(THIN - 4, THIN + 8))
    assert list(np.flatnonzero(charged > 1.0)) == [4, 8], "the bar lines into the thin bar and out of it"


def test_what_the_song_changes_there_itself_is_free(thinner: Beats) -> None:
    targets = np.arange(THIN - 4, THIN + 8)
    assert not steps.unpriced_steps(thinner, targets, targets).any()


def test_a_join_that_has_paid_does_not_pay_again(thinner: Beats) -> None:
    path = np.concatenate([np.arange(12, 16), np.arange(THIN, THIN + 4), np.arange(28, 32)])
    assert steps.unpriced_steps(thinner, np.arange(36, 48), path) == pytest.approx(0.0, abs=1e-3)


def test_a_run_pays_for_the_bars_it_comes_to_stand_beside(thinner: Beats) -> None:
    """Two beats of the thin bar, then on from the middle of a full one: no jump goes from bar to bar."""
    path = np.concatenate([np.arange(THIN, THIN + 2), np.arange(14, 20)])
    charged = steps.unpriced_steps(thinner, np.arange(36, 44), path)
    assert list(np.flatnonzero(charged > 0.5)) == [4]


def unwrapped(own: tuple[float, float] | None) -> tuple[float, float]:
    assert own is not None
    return own


def test_a_beat_with_a_hit_does_not_begin_within_notes(beats: Beats) -> None:
    """The made song has a kick on each downbeat."""
    downbeats = np.flatnonzero(beats.sounding & (beats.position == 0))
    assert steps.held(beats, downbeats).max() < 0.3


def test_a_beat_without_a_rise_does(beats: Beats) -> None:
    step = beats.step.copy()
    step[20] = 0.0
    assert steps.held(replace(beats, step=step), np.array([20]))[0] == 1.0


def test_a_rise_that_came_early_is_known_by_its_attack(beats: Beats) -> None:
    step, late = beats.step.copy(), beats.late.copy()
    step[20], late[20] = 0.0, -0.015
    assert steps.held(replace(beats, step=step, late=late), np.array([20]))[0] < 0.3


def test_where_nothing_ever_rises_every_beat_is_held(beats: Beats) -> None:
    still = replace(beats, step=np.full_like(beats.step, 0.2), onset=np.full_like(beats.onset, 0.05))
    assert steps.held(still, np.flatnonzero(still.sounding)[1:]).min() > 0.5


def test_pauses_and_what_follows_them_are_not_held(beats: Beats) -> None:
    silent = np.flatnonzero(~beats.sounding)
    first = np.flatnonzero(beats.sounding)[:1]
    assert not steps.held(beats, np.concatenate([silent, first])).any()
