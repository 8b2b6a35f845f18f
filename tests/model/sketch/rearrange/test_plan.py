"""The least-cost path against trying everything, and what the costs promise."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import plan
from model.sketch.rearrange.plan import Surroundings
from tests.model.sketch.songs import make_song


def total(path: tuple[int, ...], unary: np.ndarray, jump: np.ndarray) -> float:
    return float(
        sum(unary[i, state] for i, state in enumerate(path))
        + sum(jump[a, b] for a, b in itertools.pairwise(path))
    )


@pytest.mark.parametrize("seed", range(5))
def test_viterbi_finds_the_best_of_all_paths(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unary, jump = rng.normal(size=(5, 4)), rng.normal(size=(4, 4))
    best = min(itertools.product(range(4), repeat=5), key=lambda path: total(path, unary, jump))
    assert tuple(plan.least_path(unary, jump, lambda: None)) == best


@pytest.mark.parametrize("seed", range(5))
def test_what_a_column_costs_to_enter_is_paid_where_it_does_not_follow_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unary, entering = rng.normal(size=(5, 4)), rng.uniform(0.0, 2.0, size=(5, 4))
    jump = rng.uniform(0.1, 1.0, size=(4, 4))
    jump[[0, 2], [1, 3]] = 0.0  # 1 follows on from 0, and 3 from 2

    def with_entering(path: tuple[int, ...]) -> float:
        joined = [i for i in range(1, 5) if jump[path[i - 1], path[i]] > 0.0]
        return total(path, unary, jump) + sum(entering[i, path[i]] for i in joined)

    best = min(itertools.product(range(4), repeat=5), key=with_entering)
    assert tuple(plan.least_path(unary, jump, lambda: None, entering)) == best


def test_a_sparing_path_counts_what_it_costs_to_enter() -> None:
    """Beat 0 again costs less than the rest, but would have to be entered."""
    unary = np.array([[0.0, 5.0, 5.0], [0.0, 0.4, 5.0], [5.0, 5.0, 0.0]])
    jump, entering = np.full((3, 3), 0.1), np.zeros((3, 3))
    jump[0, 1] = jump[1, 2] = 0.0
    entering[1, 1] = 9.0  # never paid: beat 1 follows on from beat 0
    entering[2, 2] = 1.0  # paid after beat 0, not after beat 1
    found = plan.sparing_path(unary, jump, lambda: None, lambda path: np.zeros(3), entering)
    assert tuple(found) == (0, 1, 2)


def test_runs_are_the_longest_stretches_of_neighbours() -> None:
    runs = plan.runs_of(np.array([10, 11, 12, 13]), np.array([4, 5, 9, 10]))
    assert runs == [plan.Run(10, 4, 2), plan.Run(12, 9, 2)]
    assert plan.runs_of(np.array([3]), np.array([0])) == [plan.Run(3, 0, 1)]


def test_similarity_costs_rise_with_strength_and_similarity() -> None:
    alike = np.array([[0.1, 0.5, 1.0]], dtype=np.float32)
    costs = [plan.similarity_costs(alike, strength)[0] for strength in (0.0, 0.5, 1.0)]
    gaps = [cost[1] - cost[0] for cost in costs]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0 < gaps[2], "wanted at 0, avoided at 1"
    assert costs[1][2] - costs[1][1] > 2.0, "a copy is always dear"


def test_no_similarity_costs_more_than_a_beat_at_another_place() -> None:
    """A copy at the right place, at full strength, against a beat that counts as unlike because it is elsewhere."""
    copy, elsewhere = plan.similarity_costs(np.array([[1.0, 0.0]], np.float32), 1.0)[0]
    assert copy - elsewhere < p.POSITION_COST


def test_a_beat_played_twice_costs_a_little() -> None:
    """Where another beat is nearly as good, it is taken; where none is, the beat comes again."""
    unary = np.array([[0.0, 5.0, 5.0], [0.0, 0.3, 5.0], [0.0, 5.0, 5.0]])
    jump = np.zeros((3, 3))
    assert tuple(plan.least_path(unary, jump, lambda: None)) == (0, 0, 0)
    assert tuple(plan.sparing_path(unary, jump, lambda: None, lambda path: np.zeros(3))) == (0, 1, 0)


def test_a_path_gives_way_to_what_only_a_whole_one_shows() -> None:
    """Beat 2 last is charged only where beat 0 came first: beat 3, nearly as good, is taken there."""
    unary = np.array([[0.0, 5.0, 5.0, 5.0], [5.0, 0.0, 5.0, 5.0], [5.0, 5.0, 0.0, 0.4]])
    jump = np.zeros((4, 4))

    def charged(path: np.ndarray) -> np.ndarray:
        return np.array([0.0, 0.0, 1.0 if path[0] == 0 and path[2] == 2 else 0.0])

    assert tuple(plan.sparing_path(unary, jump, lambda: None, lambda path: np.zeros(3))) == (0, 1, 2)
    assert tuple(plan.sparing_path(unary, jump, lambda: None, charged)) == (0, 1, 3)


THIN = 20
"""The first beat of a bar in which half of the bands are 30 dB down."""


@pytest.fixture(scope="module")
def full_and_thinner() -> tuple[Beats, Beats]:
    made, pace = make_song(14), Pace(lambda progress: None, lambda: False)
    full = analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats
    mel = full.mel.copy()
    mel[THIN : THIN + 4, 20:] -= 30.0  # the milliseconds around its bar lines stay as they are
    return full, replace(full, mel=mel)


def test_a_jump_into_another_arrangement_is_dear(full_and_thinner: tuple[Beats, Beats]) -> None:
    full, thinner = (plan.jump_costs(beats, np.arange(8, 40)) for beats in full_and_thinner)
    into_thin = thinner[15 - 8, THIN - 8] - full[15 - 8, THIN - 8]
    assert into_thin > 0.8 * p.ARRANGEMENT_COST


def test_so_is_an_edge_with_another_arrangement_outside(full_and_thinner: tuple[Beats, Beats]) -> None:
    around = Surroundings(15, 16)
    costs = [plan.edge_costs(beats, np.array([THIN, THIN + 3]), around) for beats in full_and_thinner]
    entry, leave = (thinner - full for full, thinner in zip(*costs, strict=True))
    assert entry[0] > 0.8 * p.ARRANGEMENT_COST
    assert leave[1] > 0.8 * p.ARRANGEMENT_COST


def test_after_silence_a_beat_within_held_notes_costs_at_the_start(
    full_and_thinner: tuple[Beats, Beats],
) -> None:
    full, _ = full_and_thinner
    step = full.step.copy()
    step[21] = 0.0
    beats, sources = replace(full, step=step), np.array([20, 21])
    in_music = plan.edge_costs(beats, sources, Surroundings(None, None))[0]
    struck, held = plan.edge_costs(beats, sources, Surroundings(None, None, silence=True))[0]
    assert not in_music.any()
    assert struck < 0.3 * p.START_HELD_COST < held == p.START_HELD_COST
