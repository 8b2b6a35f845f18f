"""Progress and cancellation of one render in one object.

Every loop of an engine that can take longer than 100 ms calls `Pace.check` or `Pace.at`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from model.engine import OnProgress, Progress, ShouldStop, stop_if_asked


def within(progress: OnProgress, low: float, high: float) -> OnProgress:
    """Progress for the part of a work between two fractions of it; times left are those of that part."""
    return lambda update: progress(
        replace(update, fraction=low + (high - low) * min(max(update.fraction, 0.0), 1.0))
    )


def stoppable(progress: OnProgress, should_stop: ShouldStop) -> OnProgress:
    """The same progress, which raises RenderStopped if the render was cancelled."""

    def report(update: Progress) -> None:
        stop_if_asked(should_stop)
        progress(update)

    return report


class Pace:
    """Progress of one render, with an estimate of the time left.

    clock: seconds; only differences matter.
    """

    def __init__(
        self, progress: OnProgress, should_stop: ShouldStop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._progress = progress
        self._should_stop = should_stop
        self._clock = clock
        self._began = clock()
        self._low = 0.0
        self._high = 1.0
        self._said = [0.0]  # the newest fraction, of the whole work; all parts of a pace share it

    def check(self) -> None:
        """Raises RenderStopped if the render was cancelled."""
        stop_if_asked(self._should_stop)

    def stops(self) -> bool:
        """Whether the render was cancelled, for code that takes a `should_stop` itself."""
        return self._should_stop()

    def at(self, stage: str, fraction: float) -> None:
        """Reports `fraction` (0..1 of this pace's part of the work) with the label `stage`. Raises RenderStopped."""
        self.check()
        done = self._low + (self._high - self._low) * min(max(fraction, 0.0), 1.0)
        elapsed = self._clock() - self._began
        # Below a twentieth the estimate is too erratic to be useful.
        left = elapsed * (1.0 - done) / done if done > 0.05 else None
        self._said[0] = done
        self._progress(Progress(stage, done, left))

    def aside(self, stage: str) -> None:
        """Reports work that nobody counted on, where the bar stands. Raises RenderStopped."""
        self.check()
        self._progress(Progress(stage, self._said[0]))

    def part(self, low: float, high: float) -> Pace:
        """A pace whose 0..1 maps to low..high of this one."""
        inner = Pace(self._progress, self._should_stop, self._clock)
        span = self._high - self._low
        inner._began = self._began
        inner._said = self._said
        inner._low = self._low + span * low
        inner._high = self._low + span * high
        return inner

    def share(self, index: int, count: int) -> Pace:
        """The part of one of several works that take as long as each other, counted from 0."""
        return self.part(index / count, (index + 1) / count)
