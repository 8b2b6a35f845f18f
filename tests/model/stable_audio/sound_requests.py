"""Requests for Stable Audio's tests: ten seconds of a scale, and regions of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from model.engine import RenderRequest, Song, Task
from tests.model.musicgen.musicgen_requests import GRID

SECONDS = 10


@cache
def song(rate: int = 44_100, channels: int = 2, seed: int = 5) -> Song:
    """Notes, and a little noise that differs between the channels."""
    rng = np.random.default_rng(seed)
    notes = 220 * 2 ** (rng.integers(0, 12, 2 * SECONDS) / 12)
    tone = 0.2 * np.sin(2 * np.pi * np.cumsum(np.repeat(notes, rate // 2)) / rate)
    noise = 0.05 * rng.standard_normal((len(tone), channels))
    return Song((tone[:, None] + noise).astype(np.float32), rate, f"song {rate} {channels} {seed}")


def request(
    task: Task = Task.REPAINT, rate: int = 44_100, channels: int = 2, **changes: Any
) -> RenderRequest:
    """A second and a half in the middle of the song, or as much new sound; in ten steps."""
    start = 4 * rate + 1 if task is Task.REPAINT else 0
    asked = RenderRequest(
        task, song(rate, channels) if task is Task.REPAINT else None, rate, channels, start, start + 3 * rate // 2,
        GRID, seed=3, caption="funk", options={"steps": 10},
    )  # fmt: skip
    return replace(asked, **changes)
