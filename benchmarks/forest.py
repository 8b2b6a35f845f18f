"""A random forest in numpy, small enough to read: can two kinds of moment be told apart by their features?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Leaf:
    """Part of the training rows here that were of kind 1."""

    share: float


@dataclass(frozen=True)
class Split:
    """Rows whose `feature` is at most `threshold` go left."""

    feature: int
    threshold: float
    left: Node
    right: Node


Node = Leaf | Split


def grow(x: Rows, y: NDArray[np.bool_], depth: int, least: int, rng: np.random.Generator) -> Node:
    """A tree on rows x [rows, features] of kind y [rows]; leaves hold at least `least` rows."""
    share = float(y.mean())
    if depth == 0 or len(y) < 2 * least or share in (0.0, 1.0):
        return Leaf(share)
    best, found = np.inf, None
    count = max(round(np.sqrt(x.shape[1])), 1)
    for feature in rng.choice(x.shape[1], count, replace=False):
        cut, impurity = best_cut(x[:, feature], y, least)
        if impurity < best:
            best, found = impurity, (int(feature), cut)
    if found is None:
        return Leaf(share)
    left = x[:, found[0]] <= found[1]
    return Split(
        *found, grow(x[left], y[left], depth - 1, least, rng), grow(x[~left], y[~left], depth - 1, least, rng)
    )


def best_cut(values: NDArray[np.float64], y: NDArray[np.bool_], least: int) -> tuple[float, float]:
    """Threshold with the least Gini impurity (times rows) that leaves `least` rows on either side; inf if none."""
    order = np.argsort(values, kind="stable")
    ranked, ones = values[order], np.cumsum(y[order])
    left = np.arange(1, len(values))
    right = len(values) - left
    allowed = (ranked[1:] > ranked[:-1]) & (left >= least) & (right >= least)
    if not allowed.any():
        return 0.0, np.inf
    a, b = ones[:-1] / left, (ones[-1] - ones[:-1]) / right
    impurity = np.where(allowed, left * a * (1 - a) + right * b * (1 - b), np.inf)
    at = int(impurity.argmin())
    return float((ranked[at] + ranked[at + 1]) / 2), float(impurity[at])


def predict(tree: Node, x: Rows) -> NDArray[np.float64]:
    """Share of kind 1 for each row; [rows]."""
    if isinstance(tree, Leaf):
        return np.full(len(x), tree.share)
    left = x[:, tree.feature] <= tree.threshold
    out = np.empty(len(x))
    out[left], out[~left] = predict(tree.left, x[left]), predict(tree.right, x[~left])
    return out


def forest_scores(
    x: Rows, y: NDArray[np.bool_], group: NDArray[np.int64], trees: int = 80, seed: int = 0
) -> NDArray[np.float64]:
    """How much each row looks of kind 1 to a forest that saw all groups (songs) but the row's own; [rows]."""
    rng = np.random.default_rng(seed)
    scores = np.zeros(len(x))
    for held_out in np.unique(group):
        known = np.flatnonzero(group != held_out)
        asked = group == held_out
        for _ in range(trees):
            some = rng.choice(known, len(known))
            scores[asked] += predict(grow(x[some], y[some], 7, 4, rng), x[asked]) / trees
    return scores


def area_under_curve(scores: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """Chance that a row of kind 1 scores above one of kind 0 (ties count half): 0.5 = cannot be told apart."""
    ones, zeros = scores[y], scores[~y]
    above = (ones[:, None] > zeros[None]).mean() + 0.5 * (ones[:, None] == zeros[None]).mean()
    return float(above)
