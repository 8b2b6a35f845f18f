"""Whether the server can do its work now: engine, store, disk and its own parts. For whoever starts and watches it.

Anybody may ask, without a token: the reasons name no path, no song and no model.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable

from bridge_server.engines.pool import EnginePool
from bridge_server.jobs.database import DatabaseError
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.settings import Settings
from bridge_server.supervisor import Supervisor
from daw_protocol.errors import ProtocolError

LOW_BYTES = 256 * 2**20  # below this, renders and uploads fail for want of room
ENGINE_WAIT = 1.0  # seconds until an engine that does not answer counts as starting
ENGINE_KEPT = 10.0  # seconds its answer is kept: asking a broken one starts its process


class Health:
    """Lives on the event loop."""

    def __init__(
        self,
        settings: Settings,
        engines: EnginePool,
        queue: JobQueue,
        supervisor: Supervisor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._queue = queue
        self._supervisor = supervisor
        self._clock = clock
        self._asked: asyncio.Task[str] | None = None
        self._answered_at = 0.0

    async def problems(self) -> dict[str, str]:
        """A sentence for each part that is not ready; empty when all are."""
        found = {
            "engine": await self._engine(),
            "store": self._store(),
            "disk": await asyncio.to_thread(self._disk),
            **dict.fromkeys(self._supervisor.problems(), "It has died; the log says why."),
        }
        return {part: problem for part, problem in found.items() if problem}

    async def _engine(self) -> str:
        if self._asked is None or (self._asked.done() and self._clock() - self._answered_at >= ENGINE_KEPT):
            self._asked = asyncio.create_task(self._ask_engine(), name="health of the engine")
        # Asking goes on when it takes longer: cancelling it would end the process that is starting.
        await asyncio.wait((self._asked,), timeout=ENGINE_WAIT)
        return self._asked.result() if self._asked.done() else "The engine is starting."

    async def _ask_engine(self) -> str:
        try:
            await self._engines.refuse_unusable(self._settings.engine)
            return ""
        except ProtocolError:  # its words may name folders
            return "The engine cannot render; `takebridge doctor` says why."
        finally:
            self._answered_at = self._clock()

    def _store(self) -> str:
        try:
            self._queue.count(JobState.QUEUED)
        except DatabaseError:
            return "The store's database does not answer."
        return ""

    def _disk(self) -> str:
        store = self._settings.store
        try:
            free = shutil.disk_usage(store).free
        except OSError:
            return "The store's folder cannot be read."
        if not os.access(store, os.W_OK):
            return "The store's folder cannot be written."
        return f"Only {free // 2**20} MB are free." if free < LOW_BYTES else ""

    async def close(self) -> None:
        """Stops asking."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)
