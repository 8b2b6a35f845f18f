"""The ACE-Step engine in a process that may hardly grow: its first render runs into a real limit of the system.

Apart from doubles.py, which needs neither torch nor Linux.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import torch

from model.acestep.engine import AceStepEngine, EngineConfig
from model.engine import OnProgress, Rendered, RenderRequest, ShouldStop

ROOM = 8_000_000  # bytes a render may still take: less than any needs


class CrampedEngine(AceStepEngine):
    """Cramps the first process that renders with these models; later ones find a mark and have all they want."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._mark = Path(config.folder) / "cramped"

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        if not self._mark.exists():
            self._mark.touch()
            # Threads that start later take room of their own, and end the process where they find none.
            torch.set_num_threads(1)
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            most = pages * resource.getpagesize() + ROOM
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        yield from super().render(request, progress, should_stop)
