"""Requests for MusicGen's tests: three seconds of a scale, in stereo at 44.1 kHz."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from model.engine import Grid, RenderRequest, Song, Task

RATE = 44_100
SECONDS = 3
GRID = Grid(
    np.arange(20) * 0.5, np.arange(20) % 4, np.full(20, 4), np.arange(20) // 4 + 1, np.full(20, 120.0)
)


@cache
def song(seed: int = 5) -> Song:
    """Six notes, and a little noise that differs between the channels."""
    rng = np.random.default_rng(seed)
    notes = 220 * 2 ** (rng.integers(0, 12, 6) / 12)
    tone = 0.2 * np.sin(2 * np.pi * np.cumsum(np.repeat(notes, SECONDS * RATE // 6)) / RATE)
    noise = 0.05 * rng.standard_normal((len(tone), 2))
    return Song((tone[:, None] + noise).astype(np.float32), RATE, f"song {seed}")


def request(task: Task = Task.GENERATE, **changes: Any) -> RenderRequest:
    """A second and a half of music, somewhere odd."""
    asked = RenderRequest(
        task, None if task is Task.GENERATE else song(), RATE, 2, 0, 66_151, GRID, seed=3, caption="funk"
    )
    if task is Task.COMPLETE:
        asked = replace(asked, start=SECONDS * RATE, end=SECONDS * RATE + 66_151)
    return replace(asked, **changes)
