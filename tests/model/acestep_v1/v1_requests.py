"""Requests for tests of v1: six seconds of quiet noise, and few steps."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from model.engine import Grid, RenderRequest, Song, Task

RATE = 48_000
FAST: dict[str, Any] = {"steps": 2, "guidance_interval": 1.0}
NO_BEATS = Grid(*(np.zeros(0, kind) for kind in (np.float64, np.int64, np.int64, np.int64, np.float64)))
TWO_BEATS = Grid(
    np.array([0.0, 0.5]), np.array([0, 1]), np.array([4, 4]), np.array([1, 1]), np.array([119.6, 119.6])
)


def song(seconds: float = 6.0, rate: int = RATE, channels: int = 2) -> Song:
    drawn = np.random.default_rng(7).normal(0, 0.1, (int(seconds * rate), channels)).astype(np.float32)
    return Song(drawn, rate, hashlib.sha256(drawn.tobytes()).hexdigest())


def request(task: Task = Task.REPAINT, **more: Any) -> RenderRequest:
    source = more.pop("song", song())
    given = RenderRequest(
        task,
        source,
        RATE,
        2,
        2 * RATE,
        3 * RATE,
        NO_BEATS,
        seed=1,
        caption="funk",
        language="en",
        options=FAST,
    )
    return replace(given, **more)
