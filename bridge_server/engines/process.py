"""The server's side of an engine's process: starts it, orders renders, and notices when it dies.

The event loop owns the process and writes to the pipe. One thread per process blocks on the pipe's other direction and
hands each message to the loop's inbox; it touches nothing else, and ends when the pipe closes, which is also how the
death of the process is noticed. The loop itself never waits for the child. Audio does not pass through the pipe: the
child writes it to files, and the messages say how far they are written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from bridge_server.engines.child import child_main, stem_path
from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBroke,
    ChildDescription,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    FromChild,
    Outcome,
    QuitCommand,
    RenderCommand,
    StemFile,
    StopCommand,
    ToChild,
)
from bridge_server.platforms import how_it_ended
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Attachment, EngineDescription, OnProgress, Progress

log = logging.getLogger(__name__)

REFUSAL_CODES = {
    "cannot": ErrorCode.CANNOT_RENDER,
    "memory": ErrorCode.OUT_OF_MEMORY,
    "not loaded": ErrorCode.ENGINE_NOT_READY,
    "store": ErrorCode.STORE_FAILED,
}

STARTING, RENDERING = "while it was starting", "during the render"
AGAIN = {
    STARTING: "Try again; the server's log may have the reason.",
    RENDERING: "Try again: the next job gets a new process. A shorter region or fewer takes need less memory.",
}
EXIT_SECONDS = 1.0  # how long a process may take to end after its pipe has closed


class RenderCancelledError(Exception):
    """The render was stopped because its job was cancelled."""


@dataclass(frozen=True)
class _Gone:
    """Put into the inbox by the reader thread when the pipe closes."""


def _ignore_progress(_: Progress) -> None:
    """Ignores progress while an engine loads ahead of the first request."""


class EngineProcess:
    """One engine in a separate process. One render at a time; the next render replaces a dead process."""

    def __init__(
        self,
        target: str,
        stop_seconds: float,
        on_description: Callable[[EngineDescription], None] = lambda _: None,
    ) -> None:
        self._target = target
        self._stop_seconds = stop_seconds
        self._on_description = on_description
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._inbox: asyncio.Queue[FromChild | _Gone] = asyncio.Queue()
        self._orders = 0
        self.description: EngineDescription | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process; None when there is none."""
        return self._process.pid if self._process and self._process.is_alive() else None

    async def start(self, on_progress: OnProgress = _ignore_progress) -> None:
        """Starts the process and loads the engine, unless it runs already. Raises ProtocolError."""
        if self.pid is not None:
            return
        await self._launch()
        while not isinstance(message := await self._receive(), ChildReady):
            if isinstance(message, ChildDescription):
                self._learn(message.description)
            elif isinstance(message, ChildProgress):
                on_progress(message.progress)
            else:
                error = await self._as_error(
                    message, STARTING
                )  # before the process, and its exit code, are let go
                await self.close()
                raise error
        self._learn(message.description)  # again: a loaded engine may know more

    async def describe(self) -> EngineDescription:
        """The engine's description, from a process started for it alone; `close` afterwards. Raises ProtocolError."""
        await self._launch(describe_only=True)
        message = await self._receive()
        if isinstance(message, ChildDescription):
            return message.description
        raise await self._as_error(message, STARTING)

    def _learn(self, description: EngineDescription) -> None:
        self.description = description
        self._on_description(description)

    async def _launch(self, describe_only: bool = False) -> None:
        """Starts the process and the thread that reads its pipe. Raises ProtocolError."""
        await self.close()
        context = multiprocessing.get_context("spawn")
        try:
            ours, theirs = context.Pipe()
        except OSError as failure:
            raise _cannot_start(failure) from failure
        self._inbox = asyncio.Queue()
        process = context.Process(target=child_main, args=(theirs, self._target, describe_only), daemon=True)
        starting = asyncio.create_task(asyncio.to_thread(process.start))
        try:
            await asyncio.shield(starting)
        except OSError as failure:
            raise _cannot_start(failure) from failure
        finally:
            # Cancelled or not, the thread continues and the process starts: `close` must find it, and find it started.
            await asyncio.wait({starting})
            theirs.close()
            if starting.exception() is None:
                self._process, self._connection = process, ours
            else:
                ours.close()
        reader = threading.Thread(
            target=_read, args=(ours, asyncio.get_running_loop(), self._inbox), daemon=True
        )
        reader.start()

    async def render(
        self,
        order: RenderCommand,
        on_progress: OnProgress,
        on_piece: Callable[[ChildPiece], None],
        stop: asyncio.Event,
    ) -> Outcome:
        """Carries out one order. Raises RenderCancelledError after `stop`, ProtocolError when it cannot be done."""
        await self.start(on_progress)
        self._orders += 1
        numbered = replace(order, number=self._orders)
        await self._send(numbered)
        stopper = asyncio.create_task(self._stop_when(stop, self._orders))
        try:
            return await self._collect(numbered, on_progress, on_piece, stop)
        except asyncio.CancelledError:
            await self.close()  # the server is stopping: do not leave a render behind
            raise
        finally:
            stopper.cancel()

    async def _collect(
        self,
        order: RenderCommand,
        on_progress: OnProgress,
        on_piece: Callable[[ChildPiece], None],
        stop: asyncio.Event,
    ) -> Outcome:
        stems: dict[str, StemFile] = {}
        attachments: list[Attachment] = []
        while True:
            message = await self._receive()
            if isinstance(message, _Gone) or getattr(message, "number", order.number) == order.number:
                if isinstance(message, ChildProgress):
                    on_progress(message.progress)
                elif isinstance(message, ChildPiece):
                    stems[message.stem] = _longer(stems.get(message.stem), message, order)
                    on_piece(message)
                elif isinstance(message, ChildAttachment):
                    attachments.append(message.attachment)
                elif isinstance(message, ChildReport):
                    return Outcome(tuple(stems.values()), tuple(attachments), message.report)
                else:
                    error = await self._as_error(message)
                    if isinstance(message, _Gone) or getattr(message, "kind", "") == "memory":
                        # A process that is ending may look alive for a moment; one that ran out of memory is of no
                        # further use. The next job gets a fresh one either way.
                        await self.close()
                    if stop.is_set() and not isinstance(message, ChildBroke):
                        raise RenderCancelledError
                    raise error

    async def _stop_when(self, stop: asyncio.Event, number: int) -> None:
        """Asks the child to stop; one that does not within the limit is ended."""
        await stop.wait()
        with contextlib.suppress(ProtocolError):
            await self._send(StopCommand(number))
        await asyncio.sleep(self._stop_seconds)
        if self._process is not None:
            log.warning("the engine did not stop within %.1f s; its process is ended", self._stop_seconds)
            self._process.kill()

    async def close(self) -> None:
        """Ends the process, gently if it listens."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None:
            return
        if connection is not None:
            with contextlib.suppress(OSError, ValueError):
                connection.send(QuitCommand())
        await asyncio.to_thread(process.join, 0.2)
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join, 5.0)
        if connection is not None:
            connection.close()

    async def _send(self, message: ToChild) -> None:
        try:
            assert self._connection is not None, "started before"
            self._connection.send(message)
        except OSError as error:
            raise await self._as_error(_Gone()) from error

    async def _receive(self) -> FromChild | _Gone:
        return await self._inbox.get()

    async def _as_error(self, message: FromChild | _Gone, doing: str = RENDERING) -> ProtocolError:
        if isinstance(message, ChildRefused):
            code = REFUSAL_CODES.get(message.kind, ErrorCode.CANNOT_RENDER)
            field = "engine" if doing is STARTING else ""
            return ProtocolError(code, message.sentence, message.remedy, field)
        if isinstance(message, ChildBroke):
            log.error("the engine broke:\n%s", message.traceback)
            if doing is STARTING:
                return ProtocolError(
                    ErrorCode.ENGINE_NOT_READY,
                    f"The engine failed to start ({message.sentence}).",
                    "This is a bug in the engine. The server's log has the details. Use another engine.",
                    "engine",
                )
            return ProtocolError(
                ErrorCode.INTERNAL,
                f"Internal error in the engine ({message.sentence}).",
                "This is a bug. The server's log has the details. Another region or seed may work.",
            )
        process = self._process
        if process is not None:
            # The pipe closes a moment before the exit code is known.
            await asyncio.to_thread(process.join, EXIT_SECONDS)
        exit_code = process.exitcode if process else None
        return ProtocolError(
            ErrorCode.ENGINE_DIED,
            f"The engine's process ended {doing}: {how_it_ended(exit_code)}.",
            AGAIN[doing],
        )


def _cannot_start(error: OSError) -> ProtocolError:
    return ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        f"The engine's process could not be started: {error.strerror or error}.",
        "Close other programs or restart the server, then ask again.",
        "engine",
    )


def _longer(known: StemFile | None, piece: ChildPiece, order: RenderCommand) -> StemFile:
    """The stem's file with this piece appended."""
    start = known.start if known else piece.start
    frames = (known.frames if known else 0) + piece.frames
    return StemFile(piece.stem, start, frames, order.request.channels, stem_path(order.folder, piece.stem))


def _read(
    connection: Connection, loop: asyncio.AbstractEventLoop, inbox: asyncio.Queue[FromChild | _Gone]
) -> None:
    """Runs in a thread: every message of the child goes into the inbox; the pipe's end too."""
    while True:
        try:
            message: FromChild | _Gone = connection.recv()
        except (EOFError, OSError, TypeError):  # TypeError: closed under our hands, the handle is None
            message = _Gone()
        try:
            loop.call_soon_threadsafe(inbox.put_nowait, message)
        except RuntimeError:  # the loop has closed: there is no reader any more
            return
        if isinstance(message, _Gone):
            return
