"""Which frame of a render each token of its lyrics belongs to, from the transformer's cross attention.

The formulas are the official application's (its DTW score and LRC code of June 2026). Shapes: N lyric tokens, L frames
of the transformer, H heads. Pure numbers: knows no network and no words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
Check = Callable[[], None]

_SEEN = 0.1  # energy above which a token counts as sung somewhere
_IN_CENTROID = 0.01
_BACK = 9  # frames a token may begin before the one before it
_ROWS_AT_ONCE = 64  # anti-diagonals between two questions whether to stop


@dataclass(frozen=True)
class Alignment:
    """matrix: float32 [N, L], how much each token belongs to each frame. stands_out: bool [N], whether some head
    attends to the token in some frame clearly more than elsewhere; where none does, the path tells nothing."""

    matrix: Numbers
    stands_out: NDArray[np.bool_]


def aligned(heads: Sequence[Numbers], check: Check = lambda: None) -> Alignment:
    """The alignment of attention probabilities, a matrix [N, L] for each head; at least one.

    Of each head: the product of its softmax over frames and over tokens, less twice the median of each row and then of
    each column, what is negative cut, squared. Standardised over all heads together, and their mean.
    """
    total = np.zeros(heads[0].shape, np.float64)
    squares = 0.0
    outstanding = np.zeros(len(heads[0]), np.bool_)
    for head in heads:
        check()
        power = _sharpened(head)
        outstanding |= power.max(axis=1) > 0
        squares += float(np.square(power, dtype=np.float64).sum())
        total += power
    count = total.size * len(heads)
    mean = float(total.sum()) / count
    deviation = np.sqrt(max(squares / count - mean * mean, 0.0))
    return Alignment(((total / len(heads) - mean) / (deviation + 1e-9)).astype(np.float32), outstanding)


def _sharpened(head: Numbers) -> Numbers:
    power = _softmax(head, 1) * _softmax(head, 0)
    for axis in (1, 0):
        power = np.maximum(power - 2 * np.median(power, axis=axis, keepdims=True), 0)
    return np.asarray(np.square(power), np.float32)


def _softmax(values: Numbers, axis: int) -> Numbers:
    raised = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True), np.float32)


def cheapest_path(costs: Numbers, check: Check = lambda: None) -> NDArray[np.int64]:
    """The path of least summed costs [N, L] from the first token and frame to the last of both, as pairs [P, 2].

    Each step goes to the next token, the next frame, or both. Of equal ways the official program's is taken. The sums
    are float32, as there: in a wider type, other ways would be equal.
    """
    tokens, frames = costs.shape
    came = np.empty((tokens, frames), np.uint8)  # from: 0 both, 1 the token before, 2 the frame before
    flat, came_flat = costs.reshape(-1), came.reshape(-1)
    infinite = np.float32(np.inf)
    # Along anti-diagonals no cell depends on another; entry i + 1 is that of token i.
    before = before_that = np.full(tokens + 1, infinite, np.float32)
    for diagonal in range(tokens + frames - 1):
        if diagonal % _ROWS_AT_ONCE == 0:
            check()
        first, last = max(0, diagonal - frames + 1), min(tokens - 1, diagonal)
        token = np.arange(first, last + 1)
        both, token_before, frame_before = before_that[token], before[token], before[token + 1]
        by_both = (both < token_before) & (both < frame_before)
        by_token = ~by_both & (token_before < both) & (token_before < frame_before)
        least = np.where(by_both, both, np.where(by_token, token_before, frame_before))
        if diagonal == 0:
            least = np.zeros(1, np.float32)
        place = token * frames + (diagonal - token)
        came_flat[place] = np.where(by_both, 0, np.where(by_token, 1, 2))
        now = np.full(tokens + 1, infinite, np.float32)
        now[token + 1] = flat[place] + least
        before_that, before = before, now
    return _traced(came)


def _traced(came: NDArray[np.uint8]) -> NDArray[np.int64]:
    token, frame = came.shape[0] - 1, came.shape[1] - 1
    path = [(token, frame)]
    while token or frame:
        way = came[token, frame]
        token, frame = token - (way != 2), frame - (way != 1)
        path.append((token, frame))
    return np.array(path[::-1], np.int64)


def frames_of(path: NDArray[np.int64]) -> NDArray[np.int64]:
    """First and last frame of each token on a path, [N, 2]."""
    tokens = np.arange(path[-1, 0] + 1)
    first = np.searchsorted(path[:, 0], tokens, side="left")
    last = np.searchsorted(path[:, 0], tokens, side="right") - 1
    return np.stack([path[first, 1], path[last, 1]], axis=1)


@dataclass(frozen=True)
class Followed:
    """How well a render follows its lyrics, as the network's own attention has it.

    coverage: share of tokens that are attended to somewhere. monotonicity: share of neighbours in order.
    confidence: mean energy along the path. All 0 to 1.
    """

    coverage: float
    monotonicity: float
    confidence: float

    @property
    def score(self) -> float:
        """One figure, 0 to 1: it ranks takes of the same words, and between songs it says nothing."""
        return float(np.clip(self.coverage**2 * self.monotonicity**2 * self.confidence, 0.0, 1.0))


def energy_of(heads: Sequence[Numbers]) -> Numbers:
    """The mean of the heads [N, L], scaled to 0..1 of its own range; zeros where it has none."""
    mean = np.mean(np.stack(heads), axis=0, dtype=np.float32)
    low, high = float(mean.min()), float(mean.max())
    if high - low <= 1e-9:
        return np.zeros_like(mean)
    return np.asarray((mean - low) / (high - low), np.float32)


def followed(energy: Numbers, sung: NDArray[np.bool_], check: Check = lambda: None) -> Followed:
    """See Followed. sung: bool [N], tokens outside [tags]."""
    path = cheapest_path(-np.square(energy), check)
    rows = energy[sung]
    return Followed(
        coverage=float((rows.max(axis=1) > _SEEN).mean()) if len(rows) else 1.0,
        monotonicity=_in_order(_centroids(rows)),
        confidence=float(energy[path[:, 0], path[:, 1]].mean()),
    )


def _centroids(rows: Numbers) -> NDArray[np.float64]:
    """The middle of each row's energy, in frames; rows without any are left out."""
    counted = np.where(rows > _IN_CENTROID, rows, 0).astype(np.float64)
    weight = counted.sum(axis=1)
    there = weight > 0
    found: NDArray[np.float64] = counted[there] @ np.arange(rows.shape[1]) / weight[there]
    return found


def _in_order(centroids: NDArray[np.float64]) -> float:
    if len(centroids) < 2:
        return 1.0
    return float((centroids[1:] >= centroids[:-1] - _BACK).mean())
