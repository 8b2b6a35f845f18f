"""A job's progress, put together from that of its takes, several of which may be under way at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from daw_protocol.requests.parts import Part
from model.engine import Progress

# Of a take's share of the progress bar: the rest is splicing, measuring and writing.
RENDER_SHARE = 0.9
# Of what is left of that when an engine is loaded: how long loading takes is not known before, only that it is not the
# render.
LOADING_SHARE = 0.1
MAX_SECONDS_LEFT = 1e6


class ProgressBar:
    """The bar of one job; it never goes back, even if an engine is loaded meanwhile or a take is rendered again.

    Everything that says how far a job is goes through it. Each stretch of work on a take (loading the engine,
    rendering, rendering again) counts from 0 to 1 by itself and fills the bar from where it stood before.

    takes: how many the job has, each with the same share. report: called with the whole job's progress. parts: of a job
    about several regions or songs.
    """

    def __init__(self, takes: int, report: Callable[[Progress], None], parts: Sequence[Part] = ()) -> None:
        self._takes = takes
        self._parts = parts if len(parts) > 1 else ()
        self._report = report
        self._fractions: dict[int, float] = {}
        self._latest: dict[int, Progress] = {}
        self._stretches: dict[int, tuple[float, float]] = {}  # by take: where the present one begins and ends

    def preparing(self, stage: str) -> None:
        """Work for the job as a whole, such as reading a song: the bar stands still."""
        self._report(Progress(stage, self._whole()))

    def loading(self, numbers: tuple[int, ...], progress: Progress) -> None:
        """The engine starts in the place where these takes will be rendered."""
        for number in numbers:
            low = self._fractions.get(number, 0.0)
            high = low + (RENDER_SHARE - low) * LOADING_SHARE
            self._stretches.setdefault(number, (low, high))
        self._advance(numbers, progress)

    def loaded(self, numbers: tuple[int, ...]) -> None:
        """What follows is the render."""
        for number in numbers:
            self._stretches.pop(number, None)

    def again(self, numbers: tuple[int, ...], stage: str) -> None:
        """These takes have to be rendered again, from the start: the bar goes on from where it is."""
        self.loaded(numbers)
        self._say(numbers, Progress(stage, 0.0))

    def rendering(self, numbers: tuple[int, ...], progress: Progress, first: int = 1) -> None:
        """The engine's progress on these takes, counted from 1: on one of them, or on all.

        first: the number of the take that the engine calls 0.
        """
        about = numbers if progress.take is None else (progress.take + first,)
        for number in about:
            self._stretches.setdefault(number, (self._fractions.get(number, 0.0), RENDER_SHARE))
        self._advance(about, progress)

    def finishing(self, number: int, stage: str) -> None:
        """The render of a take is there; what follows is the server's work."""
        self._stretches[number] = (RENDER_SHARE, RENDER_SHARE)
        self._advance((number,), Progress(stage, 1.0))

    def recorded(self, numbers: Iterable[int]) -> None:
        """These takes are in the store."""
        for number in numbers:
            self._fractions[number] = 1.0
            self._latest.pop(number, None)

    def _advance(self, numbers: tuple[int, ...], progress: Progress) -> None:
        done = min(1.0, max(0.0, progress.fraction))
        for number in numbers:
            low, high = self._stretches[number]
            self._fractions[number] = max(low + (high - low) * done, self._fractions.get(number, 0.0))
        self._say(numbers, progress)

    def _say(self, numbers: tuple[int, ...], progress: Progress) -> None:
        self._latest.update(dict.fromkeys(numbers, progress))
        first = self._latest[min(self._latest)]  # the take that is recorded next says how the job is
        self._report(Progress(self._under_way(first.stage), self._whole(), sensible(first.seconds_left)))

    def _whole(self) -> float:
        return sum(self._fractions.values()) / self._takes

    def _under_way(self, stage: str) -> str:
        """ "composing (takes 2 and 3 of 8)", where there is more than one."""
        if self._takes == 1:
            return stage
        if self._parts:
            return self._part_under_way(stage)
        *most, last = (str(number) for number in sorted(self._latest))
        if most:
            return f"{stage} (takes {', '.join(most)} and {last} of {self._takes})"
        return f"{stage} (take {last} of {self._takes})"

    def _part_under_way(self, stage: str) -> str:
        """ "composing (region 2 of 3, take 1 of 2)": the one that is recorded next."""
        number = min(self._latest)
        part = next(part for part in self._parts if number in part.takes)
        count, takes, take = len(self._parts), part.request.takes, number - part.first_take + 1
        region, track = part.region, part.track
        if track is None:
            return f"{stage} (region {region} of {count}{f', take {take} of {takes}' if takes > 1 else ''})"
        if region is None:
            return f"{stage} (track {track} of {count}{f', take {take} of {takes}' if takes > 1 else ''})"
        return f"{stage} (region {region} of track {track}{f', take {take} of {takes}' if takes > 1 else ''})"


def sensible(seconds_left: float | None) -> float | None:
    """An engine's estimate, or None when it is not one: a division by nothing done yet must not end a job."""
    if seconds_left is None or not math.isfinite(seconds_left):
        return None
    return min(max(0.0, seconds_left), MAX_SECONDS_LEFT)
