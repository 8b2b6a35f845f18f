"""A process of this machine that runs an engine (`child.py`), and the pipe to it.

The event loop owns the process and writes to the pipe. One thread blocks on the pipe's other direction and hands each
message to the loop; it touches nothing else, and ends when the pipe closes, which is also how the death of the process
is noticed. The loop itself never waits for the child. Audio does not pass through the pipe: the child writes it to
files, and the messages say how far they are written.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Protocol

from bridge_server.engines.child import child_main
from bridge_server.engines.messages import ChildStart, FromChild, QuitCommand, ToChild
from bridge_server.platforms import how_it_ended

EXIT_SECONDS = 1.0  # how long a process may take to end after its pipe has closed


@dataclass(frozen=True)
class Gone:
    """The last message of every child: it has ended, whatever the reason."""


Deliver = Callable[[FromChild | Gone], None]
"""Takes what a child says, in order, from whichever thread."""


class Child(Protocol):
    """A process that runs an engine, on this machine or another one, from its start to its end."""

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as is known."""
        ...

    @property
    def pid(self) -> int | None:
        """Of its process; None where that is on another machine."""
        ...

    async def send(self, message: ToChild) -> None:
        """Raises OSError when it has gone."""
        ...

    async def kill(self) -> None:
        """Ends it at once."""
        ...

    async def how_it_ended(self) -> str:
        """Why it has gone, for producers."""
        ...

    async def close(self) -> None:
        """Ends it, gently if it listens."""
        ...


StartChild = Callable[[ChildStart, Deliver], Awaitable[Child]]
"""Starts a child; everything it says is delivered, a `Gone` last. Raises OSError. When it is cancelled, no child is
left."""


class ChildProcess:
    """A child of this machine."""

    def __init__(self, process: SpawnProcess, connection: Connection) -> None:
        self._process = process
        self._connection = connection

    @property
    def alive(self) -> bool:
        """See Child."""
        return self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """See Child."""
        return self._process.pid

    async def send(self, message: ToChild) -> None:
        """See Child."""
        self._connection.send(message)

    async def kill(self) -> None:
        """See Child."""
        self._process.kill()

    async def how_it_ended(self) -> str:
        """See Child."""
        await asyncio.to_thread(self._process.join, EXIT_SECONDS)  # the pipe closes a moment before
        return how_it_ended(self._process.exitcode)

    async def close(self) -> None:
        """See Child."""
        with contextlib.suppress(OSError, ValueError):
            self._connection.send(QuitCommand())
        await asyncio.to_thread(self._process.join, 0.2)
        if self._process.is_alive():
            self._process.kill()
            await asyncio.to_thread(self._process.join, 5.0)
        self._connection.close()


async def start_process(start: ChildStart, deliver: Deliver) -> ChildProcess:
    """See StartChild."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=child_main, args=(theirs, start), daemon=True)
    child = ChildProcess(process, ours)
    starting = asyncio.create_task(asyncio.to_thread(process.start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread goes on and the process starts: it is ended once it has.
        await asyncio.wait({starting})
        if starting.exception() is None:
            await child.close()
        raise
    finally:
        theirs.close()
        if starting.done() and starting.exception() is not None:
            ours.close()
    threading.Thread(target=_read, args=(ours, deliver), daemon=True).start()
    return child


def _read(connection: Connection, deliver: Deliver) -> None:
    """Runs in a thread: delivers every message of the child, and the pipe's end."""
    while True:
        try:
            message: FromChild | Gone = connection.recv()
        except (EOFError, OSError, TypeError):  # TypeError: closed under our hands, the handle is None
            message = Gone()
        deliver(message)
        if isinstance(message, Gone):
            return
