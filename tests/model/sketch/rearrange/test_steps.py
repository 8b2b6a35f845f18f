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
    made, pace = make_song(14), Pace(lambda progress: None, lambda: False)
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


def test_the_songs_own_order_is_no_step_of_the_arrangement(beats: Beats) -> None:
    lines = np.arange(12, 44, 4)
    own = np.diag(steps.arrangement_step(beats, lines, lines))
    assert np.mean(own == 0.0) >= p.USUAL_STEP - 0.2
    assert own.max() < 2.0


def test_a_bar_without_half_its_bands_is_a_step_of_the_arrangement(beats: Beats) -> None:
    """However alike the milliseconds around the join are."""
    mel = beats.mel.copy()
    mel[20:24, 20:] -= 30.0
    thinner = replace(beats, mel=mel)
    step = steps.arrangement_step(thinner, np.array([16]), np.array([16, 20]))[0]
    assert step[0] < 2.0
    assert step[1] > 10.0, "half the bands are 30 dB down, less what bars of this song differ by"


def test_a_song_of_few_bars_has_no_usual_step(beats: Beats) -> None:
    few = replace(beats, sounding=beats.sounding & (np.arange(len(beats)) < 24))
    assert steps.usual_step(few) == np.inf
    assert not steps.arrangement_step(few, np.array([16]), np.array([20])).any()
