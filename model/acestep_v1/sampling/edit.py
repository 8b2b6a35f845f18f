"""Changes prompt and lyrics of a song while keeping its music: flow editing (Kulikov et al., 2024).

The song moves by the difference between what the network would do under the new words and under the old ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from model.acestep_v1.sampling.denoise import UNWATCHED, Watch
from model.acestep_v1.sampling.schedules import Schedule

EditSide = Callable[[Tensor, float, bool], Tensor]
"""The velocity at latents and time (0..1000); the last: whether it remembers earlier ones."""


@dataclass(frozen=True)
class EditSpan:
    """The share of the steps that edit, 0..1: none before `first`; after `last` only the new words count.

    draws: noises for each step, averaged.
    """

    first: float = 0.0
    last: float = 1.0
    draws: int = 1

    def steps(self, count: int) -> tuple[int, int]:
        return int(count * self.first), int(count * self.last)


ONLY_LYRICS = EditSpan(0.6, 1.0)
REMIX = EditSpan(0.2, 0.4)


def edited(
    old: EditSide,
    new: EditSide,
    song: Tensor,
    schedule: Schedule,
    span: EditSpan,
    fresh: Callable[[], Tensor],
    watch: Watch = UNWATCHED,
) -> Tensor:
    """The song's latents under new words. fresh: noise for every draw, in order. Raises RenderStopped."""
    count = schedule.evaluations
    begin, end = span.steps(count)
    moving = song
    for index in range(begin, end):
        watch.at(index - begin, count - begin)
        level, following = schedule.levels[index : index + 2]
        change = song * 0
        for _ in range(span.draws):
            noised = (1 - level) * song + level * fresh()
            wanted = new(moving + noised - song, schedule.times[index], False)
            change = change + (wanted - old(noised, schedule.times[index], True)) / span.draws
        moving = moving + (following - level) * change
    if end >= count:
        return moving
    level = schedule.levels[end]
    x = moving + level * fresh() + (1 - level) * song - song
    for index in range(end, count):
        watch.at(index - begin, count - begin)
        level, following = schedule.levels[index : index + 2]
        x = x + (following - level) * new(x, schedule.times[index], True)
    watch.at(count - begin, count - begin)
    return x
