"""The store read, or swept, on request: with progress to whoever asked, and an end by `cancel`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge_server.handlers.running_requests import RequestProgress, RunningRequest, RunningRequests
from bridge_server.sessions.client import Client

READING = "reading the store"
SWEEPING = "removing what no take needs"

OnFraction = Callable[[float], None]


class RunningCheck(RunningRequest):
    """Somebody who waits for the store to be read."""

    cancelled = ("The store was not read to its end.", "Verify it again to have all of it checked.")

    @property
    def ending(self) -> str:
        return f"The check {self.id} of the store is being cancelled."


class RunningSweep(RunningRequest):
    """A sweep, or one that waits for another."""

    cancelled = ("The sweep was stopped; what it had removed is gone.", "Sweep again to remove the rest.")

    @property
    def ending(self) -> str:
        return f"The sweep {self.id} is being cancelled."


class AbandonedError(Exception):
    """Nobody waits for the reading any more."""


class StoreCheck:
    """Reads the whole store, once for all who ask while that runs; it ends when the last of them is cancelled or gone.

    Lives on the event loop; `_tell` is called by the thread that reads, which changes nothing here.
    """

    def __init__(
        self, running: RunningRequests, read: Callable[[], Callable[[OnFraction], list[str]]]
    ) -> None:
        """read: called for each reading, on the loop; what it returns reads, in a thread, and tells how far it is."""
        self._running = running
        self._read = read
        self._askers: list[RequestProgress] = []
        self._task: asyncio.Task[list[str]] | None = None

    async def problems(self, id: str, client: Client) -> list[str]:
        """What is wrong. id: of the request, not empty. Raises ProtocolError where it was cancelled."""
        with self._running.begun(RunningCheck(id, client)) as asked:
            asker, ended = RequestProgress(asked, READING), asyncio.Event()
            asked.ends_by(ended.set)
            self._askers.append(asker)
            try:
                while True:
                    reading, ending = self._reading(), asyncio.create_task(ended.wait())
                    try:
                        await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        ending.cancel()
                    asked.check()
                    try:
                        return reading.result()
                    except AbandonedError:  # in the moment when the one before this one went
                        continue
            finally:
                self._askers.remove(asker)

    def _reading(self) -> asyncio.Task[list[str]]:
        """The reading under way, begun now unless there is one."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(asyncio.to_thread(self._read(), self._tell))
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._task

    def _tell(self, fraction: float) -> None:
        # One line of progress a sender, however often its key repeats.
        first = {asker.sender: asker for asker in reversed(tuple(self._askers)) if asker.waits}
        if not first:
            raise AbandonedError
        for asker in first.values():
            asker.tell(fraction)
