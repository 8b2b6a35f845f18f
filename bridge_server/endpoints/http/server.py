"""The server's TCP port: uvicorn with our application, on our event loop and a socket that is bound already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bridge_server.endpoints.http.connections import HttpConnection, WebSocketConnection
from bridge_server.settings import Settings

STOP_SECONDS = 0.5  # for responses that are nearly done; then their connections are cut
HURRY_SECONDS = 1  # more, for what still runs; then it is cancelled
PING_SECONDS = 20.0
# Connections that wait to be accepted. When no more files can be opened, asyncio tries so many times a second.
BACKLOG = 32
TOLD_SECONDS = 60.0  # between two lines of the log about that

log = logging.getLogger(__name__)


class AcceptFailures:
    """The event loop's handler of errors, for those of a machine or a program that can open no more files.

    asyncio reports each try with a traceback, and tries once more when the server has closed its port already.
    """

    def __init__(self) -> None:
        self._told = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        message, error = context.get("message", ""), context.get("exception")
        if message.startswith("socket.accept"):
            if time.monotonic() - self._told >= TOLD_SECONDS:
                self._told = time.monotonic()
                log.warning(
                    "Nobody can connect for now: %s. Others wait until a client leaves.",
                    getattr(error, "strerror", error),
                )
        elif not (isinstance(error, ValueError) and "._start_serving(" in message):
            loop.default_exception_handler(context)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its hands on the process: signals belong to whoever runs the server."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Until `ending`: once a second the date in the responses' headers, where uvicorn wakes up ten times."""
        while not self.ending.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends within STOP_SECONDS + HURRY_SECONDS, however slowly somebody reads."""
        cut = asyncio.get_running_loop().call_later(STOP_SECONDS, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()
            self._cut()
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class HttpServer:
    """Serves an application on the TCP port."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        # Its loggers would write into the server's window about clients; what matters, the application logs.
        for name in ("uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                http=HttpConnection,
                ws=WebSocketConnection,
                loop="none",
                lifespan="off",
                workers=1,
                backlog=BACKLOG,
                log_config=None,
                access_log=False,
                proxy_headers=False,  # else anybody could claim to be a program of this machine
                server_header=False,
                ws_max_size=settings.limits.frame_bytes,
                ws_per_message_deflate=False,  # audio does not compress, and JSON over loopback need not
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=None,  # a slow reader answers late
                timeout_graceful_shutdown=round(STOP_SECONDS + HURRY_SECONDS),
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self, bound: socket.socket) -> None:
        """Listens on a bound socket."""
        asyncio.get_running_loop().set_exception_handler(AcceptFailures())
        self._task = asyncio.create_task(self._uvicorn.serve([bound]), name="HTTP server")
        listening = asyncio.create_task(self._uvicorn.listening.wait())
        await asyncio.wait((self._task, listening), return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await self._task  # raises what went wrong

    async def close(self) -> None:
        """Ends every connection and waits for it."""
        if self._task is not None:
            self._uvicorn.ending.set()
            await self._task
