"""Waits between two questions to a server, and hears a cancel while it does."""

from __future__ import annotations

import time

from model.pace import Pace

_STEP_SECONDS = 0.02


def rest(seconds: float, pace: Pace) -> None:
    """Raises RenderStopped."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        pace.check()
        time.sleep(min(left, _STEP_SECONDS))
