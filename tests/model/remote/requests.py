"""Requests and songs for engines that ask other servers, and what comes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engine import Engine, Grid, Piece, Progress, RenderRequest, Report, Song, Task
from model.remote.http_link import NO_ANSWER
from tests.model.remote.http_double import HttpDouble

AT_ONCE = 1.0
"""Seconds: what only a broken engine takes, on a machine with much else to do; the benchmark measures it."""

BEATS = Grid(
    np.arange(-8, 400) * 0.5,
    np.arange(408) % 4,
    np.full(408, 4),
    np.arange(408) // 4 - 1,
    np.full(408, 120.0),
)


def song(seconds: float, rate: int = 48_000, channels: int = 2, seed: int = 1, loud: float = 0.3) -> Song:
    """Quiet noise below 4 kHz, so that every rate carries it."""
    random = np.random.default_rng(seed)
    frames = round(seconds * rate)
    slow = random.standard_normal((round(seconds * 8000) + 16, channels))
    at = np.arange(frames) * 8000 / rate
    samples = np.stack([np.interp(at, np.arange(len(slow)), slow[:, one]) for one in range(channels)], axis=1)
    found = (samples * loud / np.abs(samples).max()).astype(np.float32)
    found.flags.writeable = False
    return Song(found, rate, f"song {seed} {seconds} {rate} {channels}")


def request(
    given: Song | None, start: int, end: int, task: Task = Task.REPAINT, **changes: Any
) -> RenderRequest:
    values: dict[str, Any] = {
        "task": task,
        "song": given,
        "rate": given.rate if given else 48_000,
        "channels": given.channels if given else 2,
        "start": start,
        "end": end,
        "grid": BEATS,
        "seed": 7,
        "caption": "warm strings",
        **changes,
    }
    return RenderRequest(**values)


@dataclass
class Heard:
    """What a render gave: audio by stem, from its first frame on, and the report."""

    starts: dict[str, int] = field(default_factory=dict)
    stems: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)

    @property
    def report(self) -> Report:
        (one,) = self.reports
        return one


def render(
    engine: Engine,
    asked: RenderRequest,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Heard:
    """Raises what the engine raises. Pieces must follow one another."""
    heard, parts = Heard(), dict[str, list[NDArray[np.float32]]]()

    def progress(update: Progress) -> None:
        assert 0 <= update.fraction <= 1, update
        heard.stages.append(update.stage)
        on_progress(update)

    for found in engine.render(asked, progress, should_stop):
        if isinstance(found, Piece):
            name = found.stem if len(asked.takes) == 1 else f"{found.stem} {found.take}"
            begun = parts.setdefault(name, [])
            heard.starts.setdefault(name, found.start)
            assert found.start == heard.starts[name] + sum(map(len, begun))
            begun.append(found.samples)
        elif isinstance(found, Report):
            heard.reports.append(found)
    heard.stems = {name: np.concatenate(given) for name, given in parts.items()}
    return heard


class Stopper:
    """A `should_stop` that is set once a stage is reported."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.stop = threading.Event()
        self.at = 0.0

    def __call__(self, update: Progress) -> None:
        if self._stage in update.stage and not self.stop.is_set():
            self.at = time.monotonic()
            self.stop.set()


class Restart:
    """An `on_progress`: at a stage the server ends; once it is waited for, it is started again without its jobs."""

    def __init__(self, double: HttpDouble, stage: str, forget: Callable[[], None]) -> None:
        self._double = double
        self._stage = stage
        self._forget = forget
        self._left = False
        self.waited = False

    def __call__(self, update: Progress) -> None:
        if self._stage in update.stage and not self._left:
            self._left = True
            self._double.leave()
            self._forget()
        elif update.stage == NO_ANSWER and not self.waited:
            self.waited = True
            self._double.come_back()
