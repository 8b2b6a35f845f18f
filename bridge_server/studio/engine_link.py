"""An engine on a render host, as the rest of the server knows it: what comes is written to files of this machine, as an
engine's process here would do, so that nothing after a render can tell them apart.

A cut connection keeps an order's place: it is sent again, with what has come so far, and the host goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from bridge_server.engines.host import (
    OnOutcome,
    OnPiece,
    RenderCancelledError,
    ignore_outcome,
    ignore_progress,
)
from bridge_server.engines.messages import (
    EngineFolders,
    OptionFile,
    RenderCommand,
    StopCommand,
)
from bridge_server.engines.option_files import OptionFiles
from bridge_server.engines.outcome import Outcome
from bridge_server.errors import as_protocol_error
from bridge_server.studio.file_upload import FileUpload
from bridge_server.studio.host_connection import CUT_SECONDS, HostConnection, Inbox, Session
from bridge_server.studio.host_files import files_of
from bridge_server.studio.link_messages import (
    FileStored,
    ForgetOrder,
    Have,
    LinkOrder,
    MissingFiles,
    OrderFailed,
    SharedFile,
)
from bridge_server.studio.linked_render import LinkedRender, disk_error, error_of, not_understood
from bridge_server.studio.wire import LinkLostError
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription, OnProgress, Progress


class EngineLink:
    """One place of a render host. elsewhere: whether another place could take an order now."""

    pid = None

    def __init__(
        self,
        engine: str,
        number: int,
        connection: HostConnection,
        folders: EngineFolders,
        option_files: OptionFiles,
        stop_seconds: float,
        elsewhere: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine = engine
        self.number = number
        self._connection = connection
        self._folders = folders
        self._blobs = BlobStore(folders.blobs)
        self._option_files = option_files
        self._stop_seconds = stop_seconds
        self._elsewhere = elsewhere
        self.starts = 0  # the host counts those of its engines

    @property
    def place(self) -> str:
        """See EngineHost."""
        name = self._connection.name
        return name if self.number == 1 else f"{name} {self.number}"

    @property
    def home(self) -> str:
        """See EngineHost."""
        return self._connection.join.address

    @property
    def rendered_on(self) -> str:
        """See EngineHost."""
        return self._connection.rendered_on

    @property
    def ready(self) -> bool:
        """See EngineHost."""
        return self._connection.offers(self._engine) and not self.lacking

    @property
    def lacking(self) -> bool:
        """See EngineHost. So is one that there is no more, since its host was started again with fewer."""
        welcome = self._connection.welcome
        fewer = welcome is not None and self.number > welcome.places
        return fewer or self._connection.lacks(self._engine)

    @property
    def description(self) -> EngineDescription | None:
        """See EngineHost."""
        welcome = self._connection.welcome
        return welcome.engines.get(self._engine) if welcome is not None else None

    async def start(self, on_progress: OnProgress = ignore_progress) -> None:
        """Waits for the host: it loads the engine itself when an order comes. Raises ProtocolError."""
        await self._session(on_progress)
        if self.description is None:
            raise ProtocolError(
                ErrorCode.ENGINE_NOT_READY,
                f"The render host {self._connection.name} has no engine called {self._engine!r} that can render.",
                "`takebridge doctor` on that machine says what it lacks; start the host again once it is there.",
                "engine",
            )

    async def render(
        self,
        command: RenderCommand,
        on_progress: OnProgress,
        on_piece: OnPiece,
        stop: asyncio.Event,
        on_outcome: OnOutcome = ignore_outcome,
    ) -> tuple[Outcome, ...]:
        """See EngineHost. An older host tells of a take only once the whole order is over there."""
        folder = self._results_of(command)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error) from error
        command = await asyncio.to_thread(self._with_kept, command)
        files = await asyncio.to_thread(self._found, command)
        render = LinkedRender(command, folder, on_progress, on_piece, on_outcome)
        while True:
            session = await _unless(stop, self._session(on_progress))
            try:
                return await self._render_over(session, render, files, stop)
            except LinkLostError:
                if stop.is_set():
                    raise RenderCancelledError from None
            except ProtocolError as error:
                # Where the engine does not start there: the next try goes to another host that has it, if one is there.
                if error.code is ErrorCode.ENGINE_NOT_READY and error.field == "engine":
                    self._connection.refused(self._engine)
                    if self._elsewhere():
                        raise ProtocolError(ErrorCode.ENGINE_DIED, error.sentence, error.remedy) from error
                raise

    async def _render_over(
        self, session: Session, render: LinkedRender, files: dict[SharedFile, Path], stop: asyncio.Event
    ) -> tuple[Outcome, ...]:
        """One connection's part of a render. Raises LinkLostError when it is cut."""
        number, inbox = session.open()
        stopping = asyncio.create_task(self._stop_when(stop, session, number, inbox))
        try:
            if await self._lacking(session, number, inbox, files, stop):
                await self._send_lacking(session, number, inbox, files, render.on_progress, stop)
            if stop.is_set():
                raise RenderCancelledError
            # Nothing is waited for in between: a stop that comes now is sent after the order.
            await session.wire.send(LinkOrder(number, self._engine, render.command, render.begin()))
            while not await render.accept(await _message(inbox), stop):
                pass
            return render.outcomes()
        finally:
            stopping.cancel()
            session.close(number)
            with contextlib.suppress(LinkLostError):
                await session.wire.send(ForgetOrder(number))

    async def _lacking(
        self,
        session: Session,
        number: int,
        inbox: Inbox,
        files: dict[SharedFile, Path],
        stop: asyncio.Event,
    ) -> list[SharedFile]:
        """The files that the host has not got."""
        await session.wire.send(Have(number, tuple(files)))
        missing = await _expected(inbox, MissingFiles, stop)
        return [file for file in files if file.digest in missing.digests]

    async def _send_lacking(
        self,
        session: Session,
        number: int,
        inbox: Inbox,
        files: dict[SharedFile, Path],
        on_progress: OnProgress,
        stop: asyncio.Event,
    ) -> None:
        """Sends the files that the host lacks, once no other order sends any."""
        sending = self._connection.sending_files
        if sending.locked():
            on_progress(Progress(f"waiting for another upload to {self._connection.name}", 0.0))
        await _unless(stop, sending.acquire())
        try:
            # Another order about the same song may have sent it meanwhile.
            lacking = await self._lacking(session, number, inbox, files, stop)

            def check() -> None:
                if stop.is_set():
                    raise RenderCancelledError

            def sent(share: float) -> None:
                stage = f"sending the song to {self._connection.name}, {int(100 * share)} %"
                on_progress(Progress(stage, 0.0))

            upload = FileUpload(session.wire, number, sum(file.size for file in lacking), check, sent)
            for file in lacking:
                await upload.send(file, files[file])
                await _expected(inbox, FileStored, stop)
        finally:
            sending.release()

    async def _stop_when(self, stop: asyncio.Event, session: Session, number: int, inbox: Inbox) -> None:
        """Asks the host to stop; one that does not within the limit, which it has for its engine too, is left alone."""
        await stop.wait()
        with contextlib.suppress(LinkLostError):
            await session.wire.send(StopCommand(number))
        await asyncio.sleep(self._stop_seconds + 1.0)
        inbox.end(LinkLostError("it did not stop"))

    async def _session(self, on_progress: OnProgress) -> Session:
        """The connection, once it is there. Raises ProtocolError when another place can do it meanwhile."""
        waited = False
        while self._connection.session is None:
            if waited and self._elsewhere():
                raise ProtocolError(
                    ErrorCode.ENGINE_DIED,
                    f"The render host {self._connection.name} cannot be reached: {self._connection.problem}.",
                    "Check that it runs and that both machines are in one network.",
                )
            on_progress(Progress(f"waiting for the render host {self._connection.name}", 0.0))
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: in Python 3.11 that loses a cancelling that comes with its result.
                async with asyncio.timeout(CUT_SECONDS):
                    await self._connection.connected()
            waited = True
        return self._connection.session

    def _found(self, command: RenderCommand) -> dict[SharedFile, Path]:
        """What an order names, and where it lies here. Raises ProtocolError. Blocks."""
        kinds, named = files_of(command), dict(self._named(command))
        try:
            paths = {
                digest: named[digest] if digest in named else self._blobs.path(digest) for digest in kinds
            }
            return {
                SharedFile(digest, kind, paths[digest].stat().st_size): paths[digest]
                for digest, kind in kinds.items()
            }
        except ClipStoreError as error:
            raise as_protocol_error(error) from error
        except OSError as error:
            raise disk_error(error) from error

    def _with_kept(self, command: RenderCommand) -> RenderCommand:
        """The order, without what the engine kept of the song where that has gone: it is worth a little time only."""
        try:
            if command.kept:
                self._blobs.get_bytes(command.kept)
            return command
        except ClipStoreError:
            return replace(command, kept="")

    def _named(self, command: RenderCommand) -> list[tuple[str, Path]]:
        """The files of options, by digest."""
        found = []
        for option, file in command.files.items():
            path = self._option_files.path(option, file)
            found.append((file.digest, path))
            found += [(each.digest, path.with_name(_last(each))) for each in file.companions]
        return found

    def discard(self, command: RenderCommand) -> None:
        """See EngineHost."""
        shutil.rmtree(self._results_of(command), ignore_errors=True)

    def _results_of(self, command: RenderCommand) -> Path:
        return self._folders.results / command.results

    async def close(self) -> None:
        """The host's engines are its own, and the connection is others' as well."""


def _last(file: OptionFile) -> str:
    return PurePosixPath(file.name).name


async def _message(inbox: Inbox) -> Any:
    """The next message about an order. Raises LinkLostError."""
    message = await inbox.get()
    if isinstance(message, LinkLostError):
        raise message
    return message


async def _expected(inbox: Inbox, kind: type, stop: asyncio.Event) -> Any:
    """The answer of this kind. Raises ProtocolError, LinkLostError; RenderCancelledError for an error after `stop`."""
    message = await _message(inbox)
    if isinstance(message, OrderFailed):
        if stop.is_set():
            raise RenderCancelledError
        raise error_of(message)
    if not isinstance(message, kind):
        raise not_understood(f"{type(message).__name__} instead of {kind.__name__}")
    return message


async def _unless(stop: asyncio.Event, waiting: Any) -> Any:
    """What is waited for. Raises RenderCancelledError when `stop` is set before."""
    work, stopping = asyncio.ensure_future(waiting), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise RenderCancelledError
        return work.result()
    finally:
        stopping.cancel()
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
