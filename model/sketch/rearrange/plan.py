"""Chooses a source beat of the song for each beat of the region: costs, and the least-cost path through them.

Knows beats and their features, no audio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.analysis.beats import Beats, Rows
from model.sketch.analysis.chroma import Chroma
from model.sketch.rearrange import steps
from model.sketch.rearrange.distance import distances

Costs = NDArray[np.float64]


@dataclass(frozen=True)
class Targets:
    """What the region's beats should sound like; one row per target beat.

    beat:      grid index of the target [T].
    like:      grid index of the beat to resemble [T]: the target itself (repaint) or a planned one.
    """

    beat: NDArray[np.intp]
    like: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.beat)


@dataclass(frozen=True)
class Surroundings:
    """The beats just outside the region, before its first and after its last; None where there is silence.

    silence: nothing sounds where the region begins, though a beat further back may be `before`.
    """

    before: int | None
    after: int | None
    silence: bool = False


def _cosine_distance(a: Chroma, b: Chroma) -> Costs:
    return 1.0 - np.asarray(a @ b.T, dtype=np.float64)


def harmony_distance(beats: Beats, a: NDArray[np.intp], b: NDArray[np.intp]) -> Costs:
    """Harmonic distance between beats a and b, 0 (same harmony) .. 1; [len(a), len(b)]."""
    agreement = np.asarray(beats.chord[a] @ beats.chord[b].T, dtype=np.float64)
    surprise = -np.log(np.clip(agreement, 0.0, 1.0) + 0.02)
    lowest, highest = -np.log(1.02), -np.log(0.02)
    return np.asarray(
        p.HARMONY_POSTERIOR * (surprise - lowest) / (highest - lowest)
        + p.HARMONY_BASS * _cosine_distance(beats.bass[a], beats.bass[b])
        + p.HARMONY_TREBLE * _cosine_distance(beats.treble[a], beats.treble[b])
    )


def sound_distance(beats: Beats, a: NDArray[np.intp], b: NDArray[np.intp]) -> Costs:
    """Distance in sound between beats a and b, timbre and harmony together; about 1 for unrelated beats."""
    rows_a = np.concatenate([beats.mfcc[a], beats.treble[a]], axis=1)
    rows_b = np.concatenate([beats.mfcc[b], beats.treble[b]], axis=1)
    return distances(rows_a, rows_b)


def place_costs(beats: Beats, targets: Targets, sources: NDArray[np.intp]) -> Costs:
    """Costs of using a beat at another position in bar and phrase, or at another tempo; [T, N]."""
    i, j = targets.beat[:, None], sources[None]
    apart = beats.bar[i] - beats.bar[j]
    length = np.diff(beats.seconds)
    stretch = np.abs(np.log(length[i] / length[j]))
    return np.asarray(
        p.STRETCH_COST * stretch
        + p.STRETCH_BEYOND_COST * (stretch > np.log(p.STRETCH_LIMIT) + 1e-6)
        + p.POSITION_COST * (beats.position[i] != beats.position[j])
        + p.BAR_LENGTH_COST * (beats.bar_beats[i] != beats.bar_beats[j])
        + p.BAR_MOD_4_COST * (apart % 4 != 0)
        + p.BAR_MOD_2_COST * (apart % 2 != 0)
    )


def likeness_costs(
    beats: Beats,
    targets: Targets,
    sources: NDArray[np.intp],
    level_cost: float,
    harmony_cost: float,
    texture_cost: float = p.BAR_TEXTURE_COST,
) -> Costs:
    """Costs of differing from the target in harmony, timbre, level and arrangement; [T, N]."""
    like = targets.like
    level = np.abs(beats.level[like][:, None] - beats.level[sources][None])
    return np.asarray(
        harmony_cost * harmony_distance(beats, like, sources)
        + p.TIMBRE_COST * distances(beats.mfcc[like], beats.mfcc[sources])
        + level_cost * np.minimum(level, 30.0)
        + texture_cost / 10.0 * bar_texture_distance(beats, like, sources)
    )


def bar_texture(beats: Beats) -> Rows:
    """Mean spectrum (dB per band) of the bar that contains each beat; [beats, bands]."""
    edges = np.flatnonzero(np.diff(beats.bar, prepend=beats.bar[0] - 1))
    texture = np.empty_like(beats.mel)
    for first, last in zip(edges, [*edges[1:], len(beats)], strict=True):
        texture[first:last] = beats.mel[first:last].mean(axis=0)
    return texture


def bar_texture_distance(beats: Beats, a: NDArray[np.intp], b: NDArray[np.intp]) -> Costs:
    """Mean band difference in dB between the bars that contain beats a and b; [len(a), len(b)]."""
    texture = bar_texture(beats)
    rows, row_of = np.unique(texture[a], axis=0, return_inverse=True)
    columns, column_of = np.unique(texture[b], axis=0, return_inverse=True)
    # Bar by bar, not beat by beat: a sixteenth of the work.
    table = np.array([np.abs(columns - row).mean(axis=1) for row in rows], dtype=np.float64)
    return np.asarray(table[row_of.ravel()[:, None], column_of.ravel()[None]])


def texture_costs(beats: Beats, targets: Targets, sources: NDArray[np.intp], around: Surroundings) -> Costs:
    """Cost of differing from the bar outside, tapering over the region's first and last bar; [T, N]."""
    texture = bar_texture(beats)
    costs = np.zeros((len(targets), len(sources)))
    place = np.arange(len(targets))
    for outside, away in ((around.before, place), (around.after, place[::-1])):
        if outside is None:
            continue
        step = np.abs(texture[sources] - texture[outside]).mean(axis=1) / 10.0
        bar = int(beats.bar_beats[targets.beat[0]])
        taper = np.clip(1.0 - away / bar, 0.0, 1.0)
        costs += p.TEXTURE_COST * taper[:, None] * step[None]
    return costs


def similarity_costs(correlation: NDArray[np.float32], strength: float) -> Costs:
    """Cost of similarity to the replaced audio: a penalty for copies, and the price set by strength; [T, N]."""
    copy = np.clip((correlation - p.COPY_FROM) / (p.COPY_FULL - p.COPY_FROM), 0.0, 1.0)
    price = p.SIMILARITY_PRICE_AT_0 + strength * (p.SIMILARITY_PRICE_AT_1 - p.SIMILARITY_PRICE_AT_0)
    return np.asarray(p.COPY_COST * copy + price * correlation, dtype=np.float64)


def bar_numbers(beats: Beats, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """0-based bar index of each chosen beat, counted from the first bar among them."""
    return np.unique(beats.bar[chosen], return_inverse=True)[1].astype(np.intp)


def noise_costs(beats: Beats, targets: Targets, sources: NDArray[np.intp], seed: int) -> Costs:
    """A seed's preferences: Gumbel noise per (target bar, source bar); [T, N]."""
    rng = np.random.default_rng(np.random.SeedSequence([seed & 0xFFFFFFFFFFFFFFFF, 1]))
    rows, columns = bar_numbers(beats, targets.beat), bar_numbers(beats, sources)
    table = rng.gumbel(size=(int(rows.max()) + 1, int(columns.max()) + 1))
    return np.asarray(-p.NOISE * table[rows[:, None], columns[None]])


def jump_costs(beats: Beats, sources: NDArray[np.intp], check: Callable[[], None] = lambda: None) -> Costs:
    """Cost of a jump from source beat j to source beat k; 0 if k follows j in the song; [N, N].

    check: called between the parts of the work; may raise.
    """
    into = beats.position[sources]
    bar = beats.bar_beats[sources]
    place = np.where(
        into == 0,
        p.JUMP_INTO_DOWNBEAT,
        np.where((bar % 2 == 0) & (into == bar // 2), p.JUMP_MID_BAR, p.JUMP_ELSEWHERE),
    )
    fit = sound_distance(beats, sources, np.maximum(sources - 1, 0))
    check()
    step = steps.unlike(beats, sources + 1, sources)
    arrangement = steps.arrangement_step(beats, sources + 1, sources, check)
    check()
    costs = (
        p.JUMP_COST
        + p.JUMP_PLACE_COST * place[None]
        + p.JUMP_FIT_COST * fit
        + p.JUMP_STEP_COST / 10.0 * step
        + p.ARRANGEMENT_COST * arrangement
    )
    costs[sources[:, None] + 1 == sources[None]] = 0.0
    return np.asarray(costs)


def edge_costs(beats: Beats, sources: NDArray[np.intp], around: Surroundings) -> tuple[Costs, Costs]:
    """Costs of starting with, and ending on, each source, given the beats outside; [N], [N]."""
    weight = p.JUMP_FIT_COST * p.EDGE_FIT_FACTOR
    entry = exit_ = np.zeros(len(sources))
    if around.before is not None:
        outside = np.array([around.before])
        entry = weight * sound_distance(beats, np.maximum(sources - 1, 0), outside)[:, 0]
        entry = entry + p.EDGE_STEP_COST / 10.0 * steps.unlike(beats, outside + 1, sources)[0]
        entry += p.ARRANGEMENT_COST * steps.arrangement_step(beats, outside + 1, sources)[0]
    if around.silence:
        entry = entry + p.START_HELD_COST * steps.held(beats, sources)
    if around.after is not None:
        outside = np.array([around.after])
        exit_ = weight * sound_distance(beats, np.minimum(sources + 1, len(beats) - 1), outside)[:, 0]
        exit_ = exit_ + p.EDGE_STEP_COST / 10.0 * steps.unlike(beats, sources + 1, outside)[:, 0]
        exit_ += p.ARRANGEMENT_COST * steps.arrangement_step(beats, sources + 1, outside)[:, 0]
    return entry, exit_


def least_path(
    unary: Costs, jump: Costs, check: Callable[[], None], entering: Costs | None = None
) -> NDArray[np.intp]:
    """Viterbi: the column for each row of `unary` [T, N] that minimises the sum of `unary` and `jump` [N, N].

    entering: what a column costs beside that in the rows where it does not follow on from the column before; [T, N].
    """
    steps, states = unary.shape
    came_from = np.empty((steps, states), dtype=np.int32)
    total = unary[0].copy()
    every = np.arange(states)
    onward = _onward(jump)
    for i in range(1, steps):
        check()
        through = total[:, None] + jump
        came_from[i] = through.argmin(axis=0)
        least = through[came_from[i], every]
        if entering is not None:
            least += np.where(came_from[i] == onward, 0.0, entering[i])
            on = np.where(onward >= 0, total[onward], np.inf)
            came_from[i] = np.where(on < least, onward, came_from[i])
            least = np.minimum(on, least)
        total = least + unary[i]
    path = np.empty(steps, dtype=np.intp)
    path[-1] = int(total.argmin())
    for i in range(steps - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path


def _onward(jump: Costs) -> NDArray[np.intp]:
    """The column that each follows on from, free of charge; -1 = none."""
    free = jump == 0.0
    return np.where(free.any(axis=0), free.argmax(axis=0), -1)


def used_costs(beats: Beats, sources: NDArray[np.intp], path: NDArray[np.intp]) -> Costs:
    """0..1 per (target, source): how far that choice would repeat `path`; [T, N].

    Other bars of the song that sound exactly the same count as used too: they would make the same take.
    """
    unlike = distances(beats.mfcc[sources], beats.mfcc[sources])[path]
    columns = bar_numbers(beats, sources)
    same_bar = columns[path][:, None] == columns[None]
    return np.asarray(np.maximum(same_bar, np.exp(-np.square(unlike / p.TAKE_SAME_DISTANCE))))


def distinct_path(
    beats: Beats,
    targets: NDArray[np.intp],
    sources: NDArray[np.intp],
    unary: Costs,
    jump: Costs,
    take: int,
    check: Callable[[], None],
    entering: Costs | None = None,
) -> NDArray[np.intp]:
    """The path of take `take`: each take pays for what earlier takes used, until it differs from all of them.

    entering: as for `least_path`.
    Returns grid indices of source beats, [T].
    """
    earlier: list[NDArray[np.intp]] = []
    penalty = np.zeros_like(unary)

    def path_now() -> NDArray[np.intp]:
        return sparing_path(
            unary + penalty, jump, check, lambda path: step_costs(beats, targets, sources[path]), entering
        )

    path = path_now()
    for _ in range(take):
        earlier.append(path)
        weight = p.TAKE_COST
        penalty += weight * used_costs(beats, sources, path)
        path = path_now()
        for _ in range(p.TAKE_TRIES):
            if all(differs(path, old) for old in earlier):
                break
            penalty += weight * used_costs(beats, sources, path)
            weight *= 2.0
            path = path_now()
    return sources[path]


def step_costs(beats: Beats, targets: NDArray[np.intp], path: NDArray[np.intp]) -> Costs:
    """What a take of these source beats pays for steps between its bars that no jump has paid for; [T]."""
    return p.ARRANGEMENT_COST * steps.unpriced_steps(beats, targets, path)


def sparing_path(
    unary: Costs,
    jump: Costs,
    check: Callable[[], None],
    further: Callable[[NDArray[np.intp]], Costs],
    entering: Costs | None = None,
) -> NDArray[np.intp]:
    """A path of little cost that also pays what no recursion knows; one column per row of `unary`.

    That is REUSE_COST for each beat it plays again, and what `further` charges each row of a whole path. What the best
    path is charged for is made dearer where it comes, a few times over, and the cheapest of the paths found is kept.
    """
    rows = np.arange(len(unary))
    dearer = np.zeros_like(unary)
    best, least = np.zeros(0, dtype=np.intp), np.inf
    for _ in range(p.SPARING_TRIES):
        path = least_path(unary + dearer, jump, check, entering)
        charged = p.REUSE_COST * _repeated(path) + further(path)
        total = unary[rows, path].sum() + jump[path[:-1], path[1:]].sum() + charged.sum()
        if entering is not None:
            joined = np.flatnonzero(jump[path[:-1], path[1:]]) + 1
            total += entering[joined, path[joined]].sum()
        if total < least:
            best, least = path, float(total)
        if not charged.any():
            break
        dearer[rows, path] += charged
    return best


def _repeated(path: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows play a beat that an earlier row has played."""
    first = np.unique(path, return_index=True)[1]
    repeated = np.ones(len(path), dtype=np.bool_)
    repeated[first] = False
    return repeated


def differs(path: NDArray[np.intp], other: NDArray[np.intp]) -> bool:
    """Whether at least a quarter of the beats differ."""
    return bool(np.mean(path != other) >= p.TAKE_LEAST_CHANGE)


@dataclass(frozen=True)
class Run:
    """Consecutive source beats on consecutive target beats.

    target, source: grid index of the first beat; count: beats.
    """

    target: int
    source: int
    count: int


def runs_of(targets: NDArray[np.intp], path: NDArray[np.intp]) -> list[Run]:
    """The plan as maximal runs of consecutive source beats."""
    starts = np.flatnonzero(np.diff(path, prepend=path[0] - 2) != 1)
    ends = [*starts[1:], len(path)]
    return [Run(int(targets[a]), int(path[a]), int(b - a)) for a, b in zip(starts, ends, strict=True)]
