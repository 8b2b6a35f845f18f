"""Bars that are played otherwise against the grid cost more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import passage, repaint, timing
from tests.model.sketch.songs import Generated, make_song, request_for

BEHIND = 0.03
QUIET = Pace(lambda progress: None, lambda: False)


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(32)


@pytest.fixture(scope="module")
def heard(made: Generated) -> analysis.Analysis:
    """A song whose second half is played behind the beat."""
    found = analysis.on_grid(analysis.listen(made.song, QUIET), made.grid, None, QUIET)
    late = np.zeros(len(found.beats), np.float32)
    late[_half(found.beats) :] = BEHIND
    return replace(found, beats=replace(found.beats, late=late))


def _half(beats: Beats) -> int:
    inside = np.flatnonzero(beats.inside)
    return int(inside[len(inside) // 2])


def test_what_is_played_alike_costs_nothing(heard: analysis.Analysis) -> None:
    half = _half(heard.beats)
    on_beat, behind = np.array([half - 20]), np.array([half + 20])
    each = (BEHIND - p.TIMING_HEARD_SECONDS) / p.TIMING_STEP_SECONDS
    assert timing.apart(heard.beats, on_beat, behind) == pytest.approx(each, rel=1e-5)
    assert timing.apart(heard.beats, behind, on_beat) == pytest.approx(each, rel=1e-5)
    assert not timing.apart(heard.beats, behind, behind + 8).any()


def test_a_note_beside_the_beat_is_meant_to_be(heard: analysis.Analysis) -> None:
    late = np.zeros(len(heard.beats), np.float32)
    late[::5] = BEHIND
    assert not timing.lateness(replace(heard.beats, late=late)).any()


def test_nothing_is_known_where_no_attack_is_clear(heard: analysis.Analysis) -> None:
    late = np.full(len(heard.beats), np.nan, np.float32)
    late[40:43] = BEHIND
    assert not timing.lateness(replace(heard.beats, late=late)).any()


def test_a_repaint_is_made_of_bars_that_are_played_like_it(
    made: Generated, heard: analysis.Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for(made, made.bar_frame(6), made.bar_frame(10))
    part = passage.passage_of(request, made.song, heard)
    alike = repaint.correlations(part, QUIET)

    def behind() -> int:
        return int((repaint.choose_beats(part, alike, QUIET) >= _half(heard.beats)).sum())

    paid = behind()
    monkeypatch.setattr(p, "TIMING_COST", 0.0)
    assert paid < behind()
