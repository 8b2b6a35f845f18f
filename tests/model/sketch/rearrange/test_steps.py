"""The price of a join: what its milliseconds have that the song has not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import steps
from tests.model.sketch.songs import make_song


@pytest.fixture(scope="module")
def beats() -> Beats:
    made, pace = make_song(8), Pace(lambda progress: None, lambda: False)
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
