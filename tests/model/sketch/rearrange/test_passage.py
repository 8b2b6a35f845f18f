"""Regions in beats: targets, sources, surroundings, names of bars, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import CannotRender
from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Analysis
from model.sketch.rearrange import complete, passage
from model.sketch.rearrange.layers import WholeSong
from model.sketch.rearrange.passage import Passage
from model.sketch.rearrange.plan import Run
from model.sketch.rearrange.tape import Moved
from tests.model.sketch.songs import Generated, make_song, request_for, song_of

LEAD = 8


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(10)


@pytest.fixture(scope="module")
def analysed(made: Generated) -> Analysis:
    pace = Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace)


def part_of(made: Generated, analysed: Analysis, first: int, last: int, **changes: object) -> Passage:
    request = request_for(made, made.bar_frame(first), made.bar_frame(last), **changes)
    return passage.passage_of(request, made.song, analysed)


def test_targets_sources_and_surroundings(made: Generated, analysed: Analysis) -> None:
    part = part_of(made, analysed, 4, 6)
    assert part.targets.tolist() == list(range(LEAD + 16, LEAD + 24))
    assert set(part.sources) == set(range(LEAD, LEAD + 40)) - set(part.targets)
    assert (part.around.before, part.around.after) == (LEAD + 15, LEAD + 24)
    assert part.source_bars == pytest.approx(8.0)
    assert part.length_beats == pytest.approx(8.0)
    assert not part.region_was_silent


def test_silence_is_what_lies_forty_decibels_below_the_song(made: Generated) -> None:
    """On both sides of the place: where music ends or begins there is none."""
    samples, rate = made.song.samples.copy(), made.song.rate
    for second, level in ((6.0, 1e-3), (9.0, 0.1)):
        samples[round(second * rate) : round((second + 1.0) * rate)] *= np.float32(level)
    pace = Pace(lambda progress: None, lambda: False)
    listening = analysis.listen(song_of(samples, rate), pace)
    found = [passage.silent_at(listening, at) for at in (-1.0, 4.0, 6.0, 6.5, 7.0, 9.5, 25.0)]
    assert found == [True, False, False, True, False, False, True]


def test_nothing_sounds_before_the_song_or_after_it(made: Generated, analysed: Analysis) -> None:
    assert part_of(made, analysed, 0, 2).around.before is None
    assert part_of(made, analysed, 8, 10).around.after is None


def test_bars_are_named_as_the_host_counts_them(made: Generated, analysed: Analysis) -> None:
    part = part_of(made, analysed, 4, 6)
    runs = [Run(24, LEAD, 8), Run(32, LEAD + 2, 2), Run(34, LEAD + 4, 4)]
    assert passage.bars_text(part, runs) == ["bar 1-2", "bar 1 from beat 3", "bar 2"]


def test_too_few_sources_are_refused_with_both_numbers(made: Generated, analysed: Analysis) -> None:
    part = part_of(made, analysed, 2, 9)
    with pytest.raises(CannotRender, match=r"3\.0 bars.*needs 4"):
        passage.require_sources(part, 4)
    passage.require_sources(part, 3)


def test_context_keeps_sources_near(made: Generated, analysed: Analysis) -> None:
    part = part_of(made, analysed, 4, 6, context_seconds=4.0)
    assert set(part.sources) == set(range(LEAD + 8, LEAD + 16)) | set(range(LEAD + 24, LEAD + 32))


def test_finish_reports_what_it_did(made: Generated, analysed: Analysis) -> None:
    part = part_of(made, analysed, 4, 6, handle=1000)
    original = Moved(made.song.samples)
    pace = Pace(lambda progress: None, lambda: False)
    laid = passage.lay_runs(part, [Run(LEAD + 16, LEAD, 8)], WholeSong(made.song.samples), original, pace)
    finished = passage.finish(part, laid, original, -20.0, 6.0)
    mix, handles = finished.pieces
    assert (mix.stem, handles.stem) == ("mix", "handles")
    assert len(handles.samples) == len(mix.samples) + 2000
    assert -6.0 <= finished.figures["gain_db"] <= 6.0
    assert finished.figures["loudness_lufs"] == pytest.approx(-20.0, abs=1.0)
    assert np.array_equal(mix.samples[0], made.song.samples[mix.start])


def test_a_repaint_after_silence_is_planned_as_anywhere(made: Generated) -> None:
    """Only what continues begins anew after silence."""
    samples, rate = made.song.samples.copy(), made.song.rate
    samples[round(6.0 * rate) : round(8.0 * rate)] = 0.0
    song = song_of(samples, rate)
    pace = Pace(lambda progress: None, lambda: False)
    analysed = analysis.on_grid(analysis.listen(song, pace), made.grid, None, pace)
    request = request_for(made, round(7.0 * rate), made.bar_frame(6))
    assert passage.silent_at(analysed.listening, 7.0)
    part = passage.passage_of(request, song, analysed)
    assert not part.around.silence
    assert complete.from_standing(part)[0].around.silence
