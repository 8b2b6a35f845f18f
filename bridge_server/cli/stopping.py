"""How the server's process ends when it is asked to: in order, with status 0, and within STOP_SECONDS in any case.

Most of what a server does ends at once. What does not is a thread that reads or measures a long song, which nothing can
interrupt; a system call on a drive that does not answer; a start that waits for an engine. Nobody waits for these: the
store is made for a process that is killed at any moment, so at the deadline the process ends itself.

Once everything has been closed the process leaves at once. Python would first take its modules down, which is 0.3 s of
processor time for nothing; the deadline's thread does not run any more by then, so on a busy machine it could take
seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

from bridge_server.platforms import stop_signals

log = logging.getLogger(__name__)

STOP_SECONDS = 1.2
"""From the request to stop until the process ends itself. Service managers and people are promised 2 s."""

LAST_WORDS = "Not everything ended in time. Accepted jobs are kept and resumed at the next start."
LAST_WORDS_SECONDS = 0.1


@contextlib.contextmanager
def stopped_early() -> Iterator[None]:
    """Until `Stopping` takes over, a stop signal ends the process at once: nothing has been accepted yet.

    The engines' processes notice by themselves.
    """
    before = {number: signal.signal(number, _leave) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(_: int, __: FrameType | None) -> None:
    os._exit(0)


class Stopping:
    """Waits for the first stop signal. Lives on the event loop.

    end_process: called in a thread of its own when the process has not ended STOP_SECONDS later.
    """

    def __init__(self, end_process: Callable[[], None] | None = None, seconds: float = STOP_SECONDS) -> None:
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._deadline = threading.Timer(seconds, end_process or end_now)
        self._deadline.daemon = True

    def listen(self) -> None:
        """Takes over the signals that ask the server to stop."""
        for number in stop_signals():
            try:
                self._loop.add_signal_handler(number, self.ask)
            except NotImplementedError:  # Windows' loop, which is woken by any signal all the same
                signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(self.ask))

    def ask(self) -> None:
        """Asks the server to stop; again, does nothing."""
        if not self._asked.is_set():
            self._asked.set()
            self._deadline.start()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    async def wait(self) -> None:
        """Until it is asked to stop."""
        await self._asked.wait()

    async def unless_asked(self, work: Coroutine[Any, Any, None]) -> bool:
        """Does some work, unless it is asked to stop before or meanwhile: the work is cancelled then. Whether it was
        done. Raises what the work raises."""
        working = asyncio.create_task(work)
        waiting = asyncio.create_task(self.wait())
        try:
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            if not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
        if working.cancelled():
            return False
        working.result()
        return True


def leave_at_once(status: int) -> None:
    """Ends a process whose server has closed and whose output is written."""
    logging.shutdown()
    os._exit(status)


def end_now() -> None:
    """Ends the process and its children, whatever they are doing."""
    # In a thread: whatever holds the process up may hold the log as well.
    last_words = threading.Thread(target=log.warning, args=(LAST_WORDS,), daemon=True)
    last_words.start()
    last_words.join(LAST_WORDS_SECONDS)
    for child in multiprocessing.active_children():
        child.kill()  # one that is stopped takes nothing else
    os._exit(0)
