"""The price of a hit that a join adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import accents
from tests.model.sketch.songs import make_song


@pytest.fixture(scope="module")
def beats() -> Beats:
    """A hundred beats, of which 30 are sharper and 8 of those sharper still: -30, -20 and -10 dB."""
    made, pace = make_song(25), Pace(lambda progress: None, lambda: False)
    found = analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats
    sharpness = np.full(len(found), -30.0, np.float32)
    inside = np.flatnonzero(found.sounding)
    sharpness[inside[:30]] = -20.0
    sharpness[inside[:8]] = -10.0
    return replace(found, sharpness=sharpness)


def test_a_sharper_hit_costs_and_a_softer_one_does_not(beats: Beats) -> None:
    first = int(np.flatnonzero(beats.sounding)[0])
    rare, sharper, usual = first, first + 12, first + 60
    cost = accents.added(beats, np.array([usual, sharper, rare]), np.array([rare, sharper, usual]))
    assert cost[:2, 0] == pytest.approx(1.0)
    assert not cost[2].any()
    assert not cost[:, 1:].any()


def test_a_hit_that_is_usual_in_the_song_is_no_accent(beats: Beats) -> None:
    """Sharper than the one replaced, but as sharp as three in ten of the song's beats."""
    first = int(np.flatnonzero(beats.sounding)[0])
    assert accents.added(beats, np.array([first + 60]), np.array([first + 12]))[0, 0] == 0.0


def test_where_all_hits_are_equal_a_little_is_no_accent(beats: Beats) -> None:
    equal = replace(beats, sharpness=np.full_like(beats.sharpness, -20.0))
    equal.sharpness[40] += 1.0
    added = accents.added(equal, np.array([20]), np.array([30, 40]))[0]
    assert list(added) == pytest.approx([0.0, 1.0 / p.RARE_ACCENT_LEAST_DB])


def test_in_silence_nothing_is_an_accent(beats: Beats) -> None:
    silent = replace(beats, sounding=np.zeros_like(beats.sounding))
    assert not accents.added(silent, np.arange(4), np.arange(8)).any()
