"""Laying runs: what is copied is bit-exact, joins lie before beats, edges start on the original."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import assemble
from model.sketch.rearrange.assemble import Segment
from model.sketch.rearrange.joins import JoinChooser
from model.sketch.rearrange.layers import WholeSong
from model.sketch.rearrange.plan import Run
from model.sketch.rearrange.tape import Moved
from tests.model.sketch.songs import Generated, make_song

RATE = 44100
LEAD = 8


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(8)


@pytest.fixture(scope="module")
def rows(made: Generated) -> Beats:
    pace = Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats


def segments(made: Generated, rows: Beats, runs: list[Run]) -> list[Segment]:
    return assemble.segments_of(runs, rows, WholeSong(made.song.samples), RATE, lambda: None)


def test_a_run_on_the_grid_is_copied_bit_for_bit(made: Generated, rows: Beats) -> None:
    one = segments(made, rows, [Run(LEAD + 8, LEAD + 16, 4)])
    start, end = made.bar_frame(2), made.bar_frame(3)
    laid = assemble.lay(one, start, end, 0, JoinChooser(RATE), lambda: None)
    source = made.bar_frame(4)
    assert np.array_equal(laid.audio, made.song.samples[source : source + end - start])
    assert laid.joins == []


def test_joins_are_over_before_the_beat_and_attacks_stay_whole(made: Generated, rows: Beats) -> None:
    two = segments(made, rows, [Run(LEAD + 8, LEAD + 16, 2), Run(LEAD + 10, LEAD + 22, 2)])
    start, end = made.bar_frame(2), made.bar_frame(3)
    laid = assemble.lay(two, start, end, 0, JoinChooser(RATE), lambda: None)
    (join,) = laid.joins
    beat = made.beat_frame(10)
    assert start < join.first
    assert join.end <= beat
    attack = made.beat_frame(22) - join.lag
    assert np.array_equal(
        laid.audio[beat - start : beat - start + 5000], made.song.samples[attack : attack + 5000]
    )


def test_edges_start_and_end_on_original_samples(made: Generated) -> None:
    start = made.bar_frame(3)
    inside = made.song.samples[made.bar_frame(5) : made.bar_frame(6)]
    out, edges = assemble.join_edges(inside, Moved(made.song.samples), start, JoinChooser(RATE))
    assert np.array_equal(out[0], made.song.samples[start])
    assert np.abs(out[-1] - made.song.samples[start + len(inside) - 1]).max() < 1e-6
    assert len(edges) == 2
    middle = slice(edges[0].length, len(inside) - edges[1].length)
    assert np.array_equal(out[middle], inside[middle])


def test_slivers_at_the_edges_go_to_their_neighbours() -> None:
    tape = Moved(np.zeros((10, 1), dtype=np.float32))
    at = [0, 1000, 40_000, 79_000]
    kept = assemble.without_slivers([Segment(k, tape, False, 0) for k in at], 0, 80_000, RATE)
    assert [segment.start for segment in kept] == [1000, 40_000]


def test_runs_off_the_grid_are_stretched_onto_it() -> None:
    made = make_song(8, bpm=(100.0, 120.0))
    pace = Pace(lambda progress: None, lambda: False)
    rows = analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats
    run = Run(LEAD + 4, LEAD + 20, 4)
    assert not assemble.copyable(rows, run)
    assert assemble.copyable(rows, Run(LEAD + 4, LEAD + 8, 4))
    (segment,) = segments(made, rows, [run])
    start, end = made.bar_frame(1), made.bar_frame(2)
    assert segment.tape.read(start, end).std() > 0.5 * made.song.samples[start:end].std()
