"""The times at which the velocity is evaluated: t = 1 is noise, t = 0 is music.

Pure arithmetic on lists, each in the precision of the reference samplers: turbo's times are doubles until `rounded`,
since where a cover begins is decided between doubles; the base sampler's are float32 from the start. The bfloat16
times of the published turbo code are deliberately not copied, since they only lose precision.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

Times = tuple[float, ...]
"""Evaluation times in falling order, then the time at which the last step ends (0 for a finished render)."""

MAX_TURBO_STEPS = 20
"""The distilled checkpoints were trained with 8 steps; their sampler accepts at most this many."""

_TURBO_TABLE_STEPS = 8
_TURBO_TABLE_SHIFTS = (1.0, 2.0, 3.0)


def shifted(time: torch.Tensor, shift: float) -> torch.Tensor:
    """Moves times towards the noisy end: s(t) = shift t / (1 + (shift - 1) t)."""
    return shift * time / (1 + (shift - 1) * time)


def turbo_times(steps: int, shift: float) -> Times:
    """1 - i / steps, shifted; at most 20 steps. The last step ends at 0."""
    _check(steps, shift)
    steps = min(steps, MAX_TURBO_STEPS)
    even = [1 - index / steps for index in range(steps)]
    return (*(shift * time / (1 + (shift - 1) * time) for time in even), 0.0)


def rounded(times: Sequence[float]) -> Times:
    """The times as a sampler visits them: in float32, as Python floats."""
    return tuple(torch.tensor(list(times), dtype=torch.float32).tolist())


def turbo_table(shift: float) -> Times:
    """The 8 fixed times of the distilled checkpoints, for the shift rounded to 1, 2 or 3."""
    nearest = min(_TURBO_TABLE_SHIFTS, key=lambda known: abs(known - shift))
    return turbo_times(_TURBO_TABLE_STEPS, nearest)


def turbo_custom(wanted: Sequence[float], shift: float = 3.0) -> Times:
    """A custom list: each time is replaced by the nearest of the 20 in the tables.

    Trailing zeros are dropped and at most 20 times kept; a list of zeros gives the table of `shift`.
    """
    kept = _without_trailing_zeros(wanted)[:MAX_TURBO_STEPS]
    if not kept:
        return turbo_table(shift)
    known = known_turbo_times()
    return (*(min(known, key=lambda time: abs(time - value)) for value in kept), 0.0)


def known_turbo_times() -> Times:
    """The 20 distinct times of the three tables, falling; in float32, where the nearest to a custom time is sought."""
    every = {time for shift in _TURBO_TABLE_SHIFTS for time in rounded(turbo_table(shift))[:-1]}
    return tuple(sorted(every, reverse=True))


def base_times(steps: int, shift: float) -> Times:
    """linspace(1, 0, steps + 1), shifted: the schedule of the base and sft checkpoints."""
    _check(steps, shift)
    return tuple(shifted(torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float32), shift).tolist())


def base_custom(wanted: Sequence[float]) -> Times:
    """A custom list, used unchanged, including the time at which the last step ends.

    Raises ValueError unless it falls strictly from at most 1 to at least 0.
    """
    falls = all(later < earlier for earlier, later in itertools.pairwise(wanted))
    if len(wanted) < 2 or not falls or wanted[0] > 1 or wanted[-1] < 0:
        raise ValueError(
            f"there must be at least two times, falling strictly within 1..0, not {list(wanted)}"
        )
    return tuple(torch.tensor(list(wanted), dtype=torch.float32).tolist())


def edit_times(steps: int, shift: float, wanted: Sequence[float] = ()) -> Times:
    """The schedule of an edit, alike for every checkpoint: the base sampler's, or a custom list, which ends at 0.

    Raises ValueError for a list that does not fall.
    """
    return base_custom((*_without_trailing_zeros(wanted), 0.0)) if wanted else base_times(steps, shift)


def from_nearest(times: Times, start: float) -> Times:
    """The schedule from the evaluation time nearest to `start`; on a tie, the earlier (noisier) one.

    With start = 1 - cover_noise_strength, this is where a render from its noised source begins.
    """
    visited = times[:-1]
    first = min(range(len(visited)), key=lambda index: abs(visited[index] - start))
    return times[first:]


def step_count(times: Times) -> int:
    """Number of steps of a schedule: one less than its times."""

    return len(times) - 1


def _without_trailing_zeros(values: Sequence[float]) -> list[float]:
    kept = list(values)
    while kept and kept[-1] == 0:
        kept.pop()
    return kept


def _check(steps: int, shift: float) -> None:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    if not shift > 0:
        raise ValueError(f"shift must be above 0, not {shift}")
