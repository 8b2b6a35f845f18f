"""A job's progress, put together from that of its takes, several of which may be under way at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from daw_protocol.requests.parts import Part
from model.engine import Progress

# Of a take's share of the progress bar: the rest is splicing, measuring and writing.
RENDER_SHARE = 0.9
MAX_SECONDS_LEFT = 1e6


class ProgressBar:
    """The bar of one job; it never goes back, even if a take has to be rendered again.

    takes: how many the job has, each with the same share. report: called with the whole job's progress. parts: of a job
    about several regions or songs.
    """

    def __init__(self, takes: int, report: Callable[[Progress], None], parts: Sequence[Part] = ()) -> None:
        self._takes = takes
        self._parts = parts if len(parts) > 1 else ()
        self._report = report
        self._fractions: dict[int, float] = {}
        self._latest: dict[int, Progress] = {}

    def rendering(self, numbers: tuple[int, ...], progress: Progress, first: int = 1) -> None:
        """The engine's progress on these takes, counted from 1: on one of them, or on all.

        first: the number of the take that the engine calls 0.
        """
        about = numbers if progress.take is None else (progress.take + first,)
        self._advance(about, progress, min(1.0, max(0.0, progress.fraction)) * RENDER_SHARE)

    def finishing(self, number: int, stage: str) -> None:
        """The render of a take is there; what follows is the server's work."""
        self._advance((number,), Progress(stage, 1.0), RENDER_SHARE)

    def recorded(self, numbers: Iterable[int]) -> None:
        """These takes are in the store."""
        for number in numbers:
            self._fractions[number] = 1.0
            self._latest.pop(number, None)

    def _advance(self, numbers: tuple[int, ...], progress: Progress, fraction: float) -> None:
        for number in numbers:
            self._fractions[number] = max(fraction, self._fractions.get(number, 0.0))
            self._latest[number] = progress
        first = self._latest[min(self._latest)]  # the take that is recorded next says how the job is
        whole = sum(self._fractions.values()) / self._takes
        self._report(Progress(first.stage + self._under_way(), whole, sensible(first.seconds_left)))

    def _under_way(self) -> str:
        """ " (takes 2 and 3 of 8)", where there is more than one."""
        if self._takes == 1:
            return ""
        if self._parts:
            return f" ({self._part_under_way()})"
        *most, last = (str(number) for number in sorted(self._latest))
        which = f"takes {', '.join(most)} and {last}" if most else f"take {last}"
        return f" ({which} of {self._takes})"

    def _part_under_way(self) -> str:
        """ "region 2 of 3, take 1 of 2": the one that is recorded next."""
        number = min(self._latest)
        part = next(part for part in self._parts if number in part.takes)
        which = part.named if " of " in part.named else f"{part.named} of {len(self._parts)}"
        takes = part.request.takes
        return which if takes == 1 else f"{which}, take {number - part.first_take + 1} of {takes}"


def sensible(seconds_left: float | None) -> float | None:
    """An engine's estimate, or None when it is not one: a division by nothing done yet must not end a job."""
    if seconds_left is None or not math.isfinite(seconds_left):
        return None
    return min(max(0.0, seconds_left), MAX_SECONDS_LEFT)
