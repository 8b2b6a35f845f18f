"""The server's background tasks, all in one place: a part that dies is logged, restarted, and shown by `status`.

A part that keeps dying, and without which the server cannot keep its promises, ends the server: better no server than
one that accepts jobs and renders none.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge_server.log_words import public_words
from daw_protocol.message import Message

log = logging.getLogger(__name__)

RESTART_SECONDS = 0.5  # before the first restart; twice as long before each further one
MAX_RESTARTS = 4  # in a row; a part that then ran for CALM_SECONDS has recovered
CALM_SECONDS = 60.0

Run = Callable[[], Awaitable[None]]
Section = TypeVar("Section", bound=Message)


class PartState(enum.Enum):
    """How a part of the server is."""

    RUNNING = "running"
    RESTARTING = "restarting"  # it died and gets another chance
    FAILED = "failed"  # it died too often


@dataclass
class ServerPart:
    """A background task of the server.

    essential: whether the server ends with it.
    problem:   the last error, "" while there was none; public: what a log may say of it.
    """

    name: str
    run: Run
    essential: bool
    state: PartState = PartState.RUNNING
    problem: str = ""
    public: str = ""
    restarts: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Owns every background task. Lives on the event loop.

    failed: set when an essential part has given up; whoever runs the server then ends it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, pause: float = RESTART_SECONDS) -> None:
        self._clock = clock
        self._pause = pause
        self._parts: dict[str, ServerPart] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._status: dict[type[Message], Callable[[], Message]] = {}
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def start(self, name: str, run: Run, *, essential: bool = True) -> None:
        """Runs a part until `close`; `run` is called again when it dies."""
        part = ServerPart(name, run, essential)
        self._parts[name] = part
        part.task = asyncio.create_task(self._keep(part), name=name)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs an errand once, in the background. Its error is logged, never lost."""
        task = asyncio.create_task(self._errand(name, work), name=name)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        # A task that is cancelled before its first step never reaches the work, which would then warn of itself.
        task.add_done_callback(lambda _: work.close())
        return task

    def report(self, kind: type[Section], status: Callable[[], Section]) -> None:
        """Adds a section to what `status` answers; there is one of each kind."""
        self._status[kind] = status

    def section(self, kind: type[Section]) -> Section | None:
        """What a part reports of itself now; None where no part does."""
        found = self._status[kind]() if kind in self._status else None
        assert found is None or isinstance(found, kind)
        return found

    def problems(self) -> dict[str, str]:
        """Parts that are not running as they should, with the reason."""
        return {
            part.name: f"{part.state.value}: {part.problem}"
            for part in self._parts.values()
            if part.state is not PartState.RUNNING
        }

    async def close(self) -> None:
        """Ends everything and waits for it."""
        tasks = [part.task for part in self._parts.values() if part.task is not None]
        tasks += self._errands
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.failed.done():
            self.failed.cancel()

    async def _keep(self, part: ServerPart) -> None:
        while True:
            began = self._clock()
            part.state = PartState.RUNNING
            try:
                await part.run()
                part.problem = part.public = "It ended by itself."
            except Exception as error:
                part.problem, part.public = f"{type(error).__name__}: {error}", public_words(error)
                log.exception("The server's %s died", part.name)
            if self._clock() - began >= CALM_SECONDS:
                part.restarts = 0
            if part.restarts >= MAX_RESTARTS:
                self._give_up(part)
                return
            part.state = PartState.RESTARTING
            await asyncio.sleep(self._pause * 2**part.restarts)
            part.restarts += 1
            log.warning("The server's %s is started again (%s)", part.name, part.public)

    def _give_up(self, part: ServerPart) -> None:
        part.state = PartState.FAILED
        log.error("The server's %s failed %d times in a row: %s", part.name, part.restarts + 1, part.public)
        if part.essential and not self.failed.done():
            self.failed.set_result(f"The server's {part.name} keeps failing ({part.public}).")

    async def _errand(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("%s failed", name)


async def close_each(*closings: Callable[[], Awaitable[None] | None]) -> None:
    """Closes the parts of a server one after another. One that cannot is logged, and keeps no other from it."""
    for close in closings:
        try:
            waiting = close()
            if waiting is not None:
                await waiting
        except Exception:
            log.exception("A part of the server did not close")
