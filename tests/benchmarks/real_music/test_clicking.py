"""Clicks at joins are counted, and told from hits that a run brings along."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import sketch_measures as measures
from benchmarks.real_music import clicking
from benchmarks.real_music.planning import PLACES, SEEDS
from benchmarks.real_music.rearranging import inner_joins
from benchmarks.sketch_rearranging import ITSELF, OURS, render
from model.engine import Report, Samples
from model.sketch.engine import SketchEngine
from tests.model.sketch.songs import Generated, make_song, request_for


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(24)


@pytest.fixture(scope="module")
def take(made: Generated) -> tuple[Samples, Report, list[int]]:
    """The song with a take of bars 12 to 16 in it, its report, and where its runs begin."""
    start, end = made.bar_frame(12), made.bar_frame(16)
    mix, report = render(SketchEngine(), request_for(made, start, end, seed=2))
    return measures.spliced(made, start, mix), report, inner_joins(made, report, 12)


def test_a_jump_at_a_join_is_made_by_the_crossfade(
    made: Generated, take: tuple[Samples, Report, list[int]]
) -> None:
    whole, report, inner = take
    assert inner
    assert not any(clicking.crossfade_clicks(made, whole, report, inner))
    cut = whole.copy()
    cut[inner[0] :] += 2.0
    assert clicking.crossfade_clicks(made, cut, report, inner)[0] == 1.0


def test_a_hit_that_the_run_has_in_the_song_is_not(
    made: Generated, take: tuple[Samples, Report, list[int]]
) -> None:
    whole, report, inner = take
    struck, shift = made.song.samples.copy(), report.figures["source_shift_samples"][1][0]
    gain = 10.0 ** (report.figures["gain_db"] / 20.0)
    struck[inner[0] + shift] += 0.8
    heard = whole.copy()
    heard[inner[0]] += 0.8 * gain
    with_hit = Generated(type(made.song)(struck, made.song.rate, "struck"), made.grid, {}, made.chords)
    assert clicking.crossfade_clicks(with_hit, heard, report, inner)[0] == 0.0


def test_every_place_is_measured_with_every_seed(made: Generated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicking, "PLACES", PLACES[:2])
    found = clicking.measure("made", lambda _: made)
    takes = 2 * len(SEEDS)
    assert len(found[OURS].values["seconds"]) == takes
    for heading in (OURS, ITSELF):
        assert len(found[heading].values["click at edges"]) == 2 * takes
    assert len(found[OURS].values["click inside"]) == len(found[ITSELF].values["click inside"]) > 0
    assert np.mean(found[OURS].values["click inside"]) <= 0.1
