"""Laying runs: what is copied is bit-exact, joins lie before beats, edges start on the original."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
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
    middle = slice(edges[0].length, edges[1].first - start)
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


def wavering(rows: Beats, late: dict[int, float]) -> Beats:
    """The beats 3 ms to and fro, as a map of live playing has them, with attacks at these seconds after some."""
    moved = rows.seconds + 0.003 * (np.arange(len(rows.seconds)) % 2)
    lateness = np.full(len(rows), np.nan, np.float32)
    lateness[list(late)] = list(late.values())
    return replace(rows, seconds=moved, late=lateness)


def test_a_run_of_live_playing_plays_its_attacks_where_the_replaced_ones_were(
    made: Generated, rows: Beats
) -> None:
    late = {LEAD + k: 0.01 for k in range(8, 12)} | {LEAD + k: -0.015 for k in range(16, 20)}
    run = Run(LEAD + 8, LEAD + 16, 4)
    live = wavering(rows, late)
    assert assemble.run_lateness(live, run) == pytest.approx(0.025)
    (segment,) = segments(made, live, [run])
    source = round((float(live.seconds[LEAD + 16]) - 0.025) * RATE)
    target = round(float(live.seconds[LEAD + 8]) * RATE)
    assert np.array_equal(segment.tape.read(target, target + RATE), made.song.samples[source : source + RATE])


def test_it_is_joined_before_its_first_attack(made: Generated, rows: Beats) -> None:
    """Where that attack comes before the beat: cut there, the beginning of a note would be missing."""
    late = {LEAD + 16: -0.02}
    live = wavering(rows, late)
    (segment,) = segments(made, live, [Run(LEAD + 8, LEAD + 16, 4)])
    assert segment.attack
    assert segment.start == round(float(live.seconds[LEAD + 8]) * RATE) - round(0.02 * RATE)


def test_what_lies_beside_a_steady_beat_stays_beside_it(rows: Beats) -> None:
    late = np.where(np.arange(len(rows)) < LEAD + 12, 0.02, -0.02).astype(np.float32)
    assert assemble.run_lateness(replace(rows, late=late), Run(LEAD + 8, LEAD + 16, 4)) == 0.0


def hum(frames: int, hertz: float = 220.0) -> np.ndarray:
    wave = 0.2 * np.sin(2 * np.pi * hertz * np.arange(frames) / RATE)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def test_an_exit_carries_no_stub_of_the_attack_that_follows_in_its_source() -> None:
    original, inside = hum(4 * RATE), hum(RATE)
    stub = round(0.015 * RATE)
    burst = 0.8 * np.random.default_rng(1).standard_normal((stub, 2)).astype(np.float32)
    inside[-stub:] += burst
    out, (_, leave) = assemble.join_edges(inside, Moved(original), RATE, JoinChooser(RATE))
    assert np.abs(out[-stub:] - original[2 * RATE - stub : 2 * RATE]).max() < 0.1 * np.abs(burst).max()
    assert leave.end < 2 * RATE
    assert np.array_equal(out[leave.end - RATE :], original[leave.end : 2 * RATE])


def test_held_notes_cross_slowly_and_attacks_do_not() -> None:
    original, inside = hum(4 * RATE), hum(RATE, 330.0)
    slow = assemble.join_edges(inside, Moved(original), RATE, JoinChooser(RATE), (True, True))[1]
    quick = assemble.join_edges(inside, Moved(original), RATE, JoinChooser(RATE))[1]
    assert all(join.length > 0.05 * RATE for join in slow)
    assert all(join.length <= 0.05 * RATE for join in quick)


def test_a_wavering_map_lets_more_be_copied_than_a_steady_one(rows: Beats) -> None:
    steady = assemble.copy_drift(rows)
    wavering = np.random.default_rng(3).normal(0.0, 0.004, len(rows.seconds))
    assert steady == p.COPY_DRIFT_SECONDS
    assert steady < assemble.copy_drift(replace(rows, seconds=rows.seconds + wavering))
    assert (
        assemble.copy_drift(replace(rows, seconds=rows.seconds + 10 * wavering)) == p.COPY_DRIFT_LIMIT_SECONDS
    )


def test_crossfades_before_a_stretched_run_stay_within_what_was_stretched(rows: Beats) -> None:
    slower = replace(rows, seconds=rows.seconds.copy())
    slower.seconds[LEAD + 16 :] += 0.05 * np.arange(len(rows.seconds) - LEAD - 16)
    run = Run(LEAD + 8, LEAD + 20, 2)
    silent = WholeSong(np.zeros((20 * RATE, 2), np.float32))
    (segment,) = assemble.segments_of([run], slower, silent, RATE, lambda: None)
    assert segment.room < p.STRETCH_MARGIN_SECONDS * RATE
