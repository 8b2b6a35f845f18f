"""An engine host that talks to a child, here or in a cluster: starts it, orders renders, and notices when it dies.

Where the child runs is the business of what starts it: `child_process.py` on this machine. Whatever it says comes into
the loop's inbox, a `Gone` last. Audio is in files of this machine by then, and the messages say how far.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bridge_server.engines.child_process import Child, Gone, StartChild, start_process
from bridge_server.engines.host import (
    OnOutcome,
    OnPiece,
    RenderCancelledError,
    ignore_outcome,
    ignore_progress,
)
from bridge_server.engines.messages import (
    ChildBroke,
    ChildDescription,
    ChildDone,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    ChildResult,
    ChildStart,
    EngineFolders,
    FilesHere,
    FromChild,
    RenderCommand,
    StopCommand,
    ToChild,
)
from bridge_server.engines.option_files import FilesOfOptions, OptionFiles
from bridge_server.engines.outcome import Outcome, OutcomeCollector
from bridge_server.engines.registry import EngineSetup
from bridge_server.log_words import Private
from bridge_server.platforms import how_it_ended
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription, OnProgress

log = logging.getLogger(__name__)

REFUSAL_CODES = {
    "cannot": ErrorCode.CANNOT_RENDER,
    "memory": ErrorCode.OUT_OF_MEMORY,
    "device": ErrorCode.CANNOT_RENDER,
    "not loaded": ErrorCode.ENGINE_NOT_READY,
    "store": ErrorCode.STORE_FAILED,
    "rejected": ErrorCode.RENDER_REJECTED,
    "lost": ErrorCode.ENGINE_DIED,
}

STARTING, RENDERING = "while it was starting", "during the render"
AGAIN = {
    STARTING: "Try again; the server's log may have the reason.",
    RENDERING: "Try again: the next job gets a new process. A shorter region or fewer takes need less memory.",
}


class EngineProcess:
    """One engine in a separate process. One render at a time; the next render replaces a dead process.

    folders: None for one that only describes its engine.
    start_child: where the process runs.
    option_files: where it finds the files of its orders; a table of its own without one.
    """

    def __init__(
        self,
        setup: EngineSetup,
        folders: EngineFolders | None,
        stop_seconds: float,
        on_description: Callable[[EngineDescription], None] = lambda _: None,
        place: str = "this machine",
        option_files: FilesOfOptions | None = None,
        start_child: StartChild = start_process,
    ) -> None:
        self._setup = setup
        self._folders = folders
        self._stop_seconds = stop_seconds
        self._on_description = on_description
        self._start_child = start_child
        self._child: Child | None = None
        self._inbox: asyncio.Queue[FromChild | Gone] = asyncio.Queue()
        self._orders = 0
        self._option_files = option_files or OptionFiles()
        self.place = self.home = place
        self.rendered_on = ""
        self.ready = True
        self.lacking = False
        self.starts = 0
        self.description: EngineDescription | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process; None when there is none on this machine."""
        return self._child.pid if self._child and self._child.alive else None

    async def start(self, on_progress: OnProgress = ignore_progress) -> None:
        """Starts the process and loads the engine, unless it runs already. Raises ProtocolError."""
        if self._child is not None and self._child.alive:
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
        await self._launch()
        while isinstance(message := await self._receive(), ChildProgress):
            pass  # a place may have to wait for its turn
        if isinstance(message, ChildDescription):
            return message.description
        raise await self._as_error(message, STARTING)

    def _learn(self, description: EngineDescription) -> None:
        self.description = description
        self._on_description(description)

    async def _launch(self) -> None:
        """Starts the process. Raises ProtocolError."""
        await self.close()
        loop, self._inbox = asyncio.get_running_loop(), asyncio.Queue()
        inbox = self._inbox

        def deliver(message: FromChild | Gone) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: there is no reader any more
                loop.call_soon_threadsafe(inbox.put_nowait, message)

        start = ChildStart(self._setup.target, json.dumps(dict(self._setup.options)), self._folders)
        try:
            self._child = await self._start_child(start, deliver)
        except OSError as failure:
            raise _cannot_start(failure) from failure
        self.starts += 1

    async def render(
        self,
        command: RenderCommand,
        on_progress: OnProgress,
        on_piece: OnPiece,
        stop: asyncio.Event,
        on_outcome: OnOutcome = ignore_outcome,
    ) -> tuple[Outcome, ...]:
        """See EngineHost."""
        folder = self._results_of(command)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProtocolError(
                ErrorCode.STORE_FAILED,
                f"The store cannot be written: {error.strerror}.",
                "Free some disk space or check the folder's permissions, then try again.",
            ) from error
        # Loading is not rendering, and the process runs as a rule: it has been started for this order.
        await self.start(lambda loading: on_progress(replace(loading, fraction=0.0)))
        if command.files:
            here = {
                file: await asyncio.to_thread(self._option_files.path, option, file)
                for option, file in command.files.items()
            }
            await self._send(FilesHere(here))
        self._orders += 1
        numbered = replace(command, number=self._orders)
        stopper = asyncio.create_task(self._stop_when(stop, self._orders))
        collector = OutcomeCollector(command.request.takes, command.request.channels, folder)
        try:
            await self._send(numbered)
            await self._collect(numbered.number, collector, on_progress, on_piece, on_outcome, stop)
        except asyncio.CancelledError:
            await self.close()  # the server is stopping: do not leave a render behind
            raise
        finally:
            stopper.cancel()
        return collector.outcomes()

    async def _collect(
        self,
        number: int,
        collector: OutcomeCollector,
        on_progress: OnProgress,
        on_piece: OnPiece,
        on_outcome: OnOutcome,
        stop: asyncio.Event,
    ) -> None:
        """Takes in what comes of an order, until it is done."""
        while True:
            message = await self._receive()
            if not isinstance(message, Gone) and getattr(message, "number", number) != number:
                continue  # of an order that was stopped
            if isinstance(message, ChildProgress):
                on_progress(message.progress)
            elif isinstance(message, ChildResult):
                if (grown := collector.accept(message)) is not None:
                    on_piece(message.take, grown)
                if isinstance(message, ChildReport):
                    on_outcome(collector.outcome(message.take))
            elif isinstance(message, ChildDone):
                return
            else:
                raise await self._how_a_render_ended(message, stop)

    async def _how_a_render_ended(self, message: FromChild | Gone, stop: asyncio.Event) -> Exception:
        error = await self._as_error(message)
        if isinstance(message, Gone) or getattr(message, "kind", "") in ("memory", "device"):
            # A process that is ending may look alive for a moment; one that ran out of memory or lost its device is of
            # no further use. The next order gets a fresh one either way.
            await self.close()
        if stop.is_set() and not isinstance(message, ChildBroke):
            return RenderCancelledError()
        return error

    def discard(self, command: RenderCommand) -> None:
        """See EngineHost."""
        shutil.rmtree(self._results_of(command), ignore_errors=True)

    def _results_of(self, command: RenderCommand) -> Path:
        assert self._folders is not None, "a host that only describes its engine gets no orders"
        return self._folders.results / command.results

    async def _stop_when(self, stop: asyncio.Event, number: int) -> None:
        """Asks the child to stop; one that does not within the limit is ended."""
        await stop.wait()
        with contextlib.suppress(ProtocolError):
            await self._send(StopCommand(number))
        await asyncio.sleep(self._stop_seconds)
        if self._child is not None:
            log.warning("the engine did not stop within %.1f s; its process is ended", self._stop_seconds)
            await self._child.kill()

    async def close(self) -> None:
        """Ends the process, gently if it listens."""
        child, self._child = self._child, None
        if child is not None:
            await child.close()

    async def _send(self, message: ToChild) -> None:
        try:
            assert self._child is not None, "started before"
            await self._child.send(message)
        except OSError as error:
            raise await self._as_error(Gone()) from error

    async def _receive(self) -> FromChild | Gone:
        return await self._inbox.get()

    async def _as_error(self, message: FromChild | Gone, doing: str = RENDERING) -> ProtocolError:
        if isinstance(message, ChildRefused):
            code = REFUSAL_CODES.get(message.kind, ErrorCode.CANNOT_RENDER)
            field = "engine" if doing is STARTING else ""
            return ProtocolError(code, message.sentence, message.remedy, field)
        if isinstance(message, ChildBroke):
            log.error("the engine broke: %s\n%s", Private(message.sentence), message.traceback)
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
        why = await self._child.how_it_ended() if self._child is not None else how_it_ended(None)
        return ProtocolError(
            ErrorCode.ENGINE_DIED, f"The engine's process ended {doing}: {why}.", AGAIN[doing]
        )


def _cannot_start(error: OSError) -> ProtocolError:
    return ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        f"The engine's process could not be started: {error.strerror or error}.",
        "Close other programs or restart the server, then ask again.",
        "engine",
    )
