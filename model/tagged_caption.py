"""The prompt of networks that know key and tempo as words of it only."""

from __future__ import annotations

import numpy as np

from model.engine import Grid, RenderRequest


def tagged_caption(request: RenderRequest) -> str:
    """The caption with the key and the tempo at the region's start as tags: "brushes, C minor, 105 BPM"."""
    tags = [request.caption.strip(), request.key or ""]
    at = _beat_at(request.grid, request.start / request.rate)
    if at is not None:
        tags.append(f"{round(float(request.grid.quarters_per_minute[at]))} BPM")
    return ", ".join(tag for tag in tags if tag)


def _beat_at(grid: Grid, seconds: float) -> int | None:
    """Index of the last beat at or before a time, the first beat if there is none, None without beats."""
    if len(grid.seconds) == 0:
        return None
    return max(0, int(np.searchsorted(grid.seconds, seconds + 1e-6, side="right")) - 1)
