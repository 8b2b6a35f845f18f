"""An event loop in a thread, for what a test wants to run beside itself."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from tests.bridge_server.loop_watchdog import LoopWatchdog

PATIENCE = 120.0  # seconds: what only a broken server takes, on a machine with much else to do


class LoopThread:
    """Something that lasts as long as a block, on an event loop of its own; the test stays plain code. It fails when
    the loop ever stood still."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._stop: asyncio.Event | None = None
        self._stopped = False
        self._watchdog: LoopWatchdog | None = None
        self._thread = threading.Thread(target=self._run)

    def _opened(self) -> AbstractAsyncContextManager[None]:
        """What lasts."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops it in good order, and waits for it; again, does nothing. Raises what it ended with, and every stall."""
        assert self._stop is not None
        if self._stopped:
            return
        self._stopped = True
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it does not stop"
        if self._error is not None:
            raise self._error
        if self._watchdog is not None:
            self._watchdog.check()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._last())
        except BaseException as error:
            self._error = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _last(self) -> None:
        self._stop = asyncio.Event()
        async with self._opened():
            self._watchdog = LoopWatchdog()
            self._watchdog.start()
            try:
                self._ready.set()
                await self._stop.wait()
            finally:
                self._watchdog.stop()

    def on_loop(self, function: Callable[[], Any]) -> Any:
        """What the function returns, called where everything else of it happens."""

        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)
