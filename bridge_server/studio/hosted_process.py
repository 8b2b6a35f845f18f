"""A training at a render host, as whoever follows trainings knows one: it tells the same news as a process here.

It has an event loop of its own, which runs in the thread that follows while that waits for news, and a connection of
its own, so that songs on their way hold up no render. The host's training does not depend on either.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shutil
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from bridge_server.errors import as_protocol_error
from bridge_server.studio.at_host import (
    NOT_SENT,
    AtHost,
    digest_and_size,
    forgotten,
    keep_at_host,
    kept_at_host,
    leave_host,
    linked_training,
    unreachable,
)
from bridge_server.studio.file_upload import FileUpload
from bridge_server.studio.host_connection import CUT_SECONDS, HostConnection, Inbox, Session
from bridge_server.studio.host_training import (
    DONE,
    FAILED,
    QUEUED,
    SENDING,
    STOPPED,
    TRAINING,
    WAITING,
    files_to_send,
)
from bridge_server.studio.hosted_curve import HostedCurve
from bridge_server.studio.hosted_files import LARGEST, LARGEST_PREVIEW, FetchedFile
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.link_messages import FileStored, ForgetOrder, OrderFailed
from bridge_server.studio.linked_render import error_of, not_understood
from bridge_server.studio.pulse import PULSE, Pulse
from bridge_server.studio.training_messages import (
    FetchFile,
    FilePiece,
    StopTraining,
    TrainingFile,
    TrainingStands,
    TrainThere,
)
from bridge_server.studio.wire import LinkLostError
from bridge_server.training.kept_trainings import ADAPTER_FILES, PREVIEWS
from bridge_server.training.training_process import STOPPED_REMEDY, STOPPED_SENTENCE, Start
from bridge_server.training.training_wish import FIRST_FILE
from clip_store.atomic_file import whole_file
from clip_store.errors import StoreError
from daw_protocol.errors import ErrorCode, ProtocolError, sendable

log = logging.getLogger(__name__)

GOES_ON = "The training goes on there by itself; resume it to see how it stands."
LEFT = ProtocolError(ErrorCode.CANCELLED, "The training goes on at the render host.", STOPPED_REMEDY)
MAX_WORDS = 300
FETCHED = "fetched"
"""The folder of the run for what is on its way back."""
_PREVIEW = re.compile(rf"{PREVIEWS}/([0-9]{{1,10}}|finished)\.wav")
_OF_ONE_FILE = (ErrorCode.FILE_MISSING, ErrorCode.FILE_CHANGED, ErrorCode.STORE_FAILED)
_ADAPTER = (FIRST_FILE, *ADAPTER_FILES)  # the file that says that it is whole comes last

Found = TypeVar("Found")


def at_host(join: JoinString, resume: bool = True, pulse: Pulse = PULSE) -> Start:
    """Begins trainings at the host that the line leads to. resume: goes on with one that was stopped or failed there;
    else only asks how it stands."""

    def start(order: Mapping[str, Any], paths: Mapping[str, Path], _: bool) -> HostedProcess:
        return HostedProcess(join, order, paths, resume, pulse)

    return start


class HostedProcess:
    """See Trains. Raises ProtocolError for a song that cannot be read, and for a training that another host has."""

    def __init__(
        self,
        join: JoinString,
        order: Mapping[str, Any],
        paths: Mapping[str, Path],
        resume: bool = True,
        pulse: Pulse = PULSE,
    ) -> None:
        self._run, self._adapter = Path(order["run"]), Path(order["adapter"])
        kept = kept_at_host(self._run)
        if kept is not None and not kept.is_at(join):
            raise elsewhere(kept)
        self._paths = paths
        self._known = self._taken = kept is not None
        self._left_out: set[str] = set()  # previews
        self._training = linked_training(order, paths, kept.training if kept is not None else None)
        self._resume = resume
        self._connection = HostConnection(join, pulse)
        self._curve = HostedCurve()
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._stopping, self._leaving = asyncio.Event(), asyncio.Event()
        self._work: asyncio.Task[dict[str, Any]] | None = None

    def news(self) -> Iterator[dict[str, Any]]:
        """See Trains."""
        while True:
            told = self._runner.run(self._next())
            yield told
            if "adapter" in told:
                return

    def stop(self) -> None:
        """See Trains. A host that cannot be reached is not waited for: the news say so."""
        self._ask(self._stopping)

    def leave(self) -> None:
        """See Trains."""
        self._ask(self._leaving)

    def pause(self, paused: bool) -> None:
        """The host's trainings wait for its own renders."""

    def kill(self) -> None:
        """See Trains."""
        self.leave()

    def close(self) -> None:
        """See Trains."""
        self._runner.close()

    def _ask(self, event: asyncio.Event) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(event.set)

    async def _next(self) -> dict[str, Any]:
        """The next news, or how it ended."""
        if self._work is None:
            self._work = asyncio.create_task(self._followed())
        while self._told.empty():
            if self._work.done():
                return self._work.result()
            getting = asyncio.create_task(self._told.get())
            try:
                await asyncio.wait({getting, self._work}, return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    return getting.result()
            finally:
                getting.cancel()
        return self._told.get_nowait()

    def _tell(self, phase: str, share: float = 0.0, **more: Any) -> None:
        self._told.put_nowait({"phase": phase, "share": share, **more})

    async def _followed(self) -> dict[str, Any]:
        """Follows it over however many connections."""
        connecting = asyncio.create_task(self._connection.run())
        try:
            while True:
                session = await self._session()
                try:
                    return await self._over(session)
                except LinkLostError:
                    continue
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    async def _session(self) -> Session:
        """The connection, once it is there. Raises ProtocolError where it is not, for what nothing is kept of there,
        and for what is to be stopped."""
        connection, said = self._connection, ""
        while connection.session is None:
            if connection.tried.is_set():
                if not self._known:
                    raise unreachable(connection, NOT_SENT)
                phase = f"waiting for the render host {connection.name}"
                if (phase := f"{phase}: {connection.problem}" if connection.problem else phase) != said:
                    said = phase
                    self._tell(phase, waits=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CUT_SECONDS):
                    if connection.tried.is_set():
                        await self._or_left(connection.connected())
                    else:
                        await self._or_left(connection.tried.wait())
            if self._stopping.is_set() and connection.away:
                raise unreachable(connection, GOES_ON)
        return connection.session

    async def _over(self, session: Session) -> dict[str, Any]:
        """One connection's part. Raises LinkLostError when it is cut."""
        number, inbox = session.open()
        stopping: asyncio.Task[None] | None = None
        try:
            # Before anything is sent: what says that songs may be there.
            await asyncio.to_thread(keep_at_host, self._run, self._connection.join, self._training)
            self._known = True
            await session.wire.send(TrainThere(number, self._training, self._resume))
            stopping = asyncio.create_task(self._stop_there(session, number))  # the host knows the number now
            await self._until_whole(session, number, inbox)
            try:
                await forgotten(self._connection, self._training.id)
            except ProtocolError as error:  # it goes there by itself, and has no songs any more
                log.warning("A finished training is still at its render host: %s", error.code.value)
            return self._curve.result(str(self._main()))
        finally:
            if stopping is not None:
                stopping.cancel()
            session.close(number)
            with contextlib.suppress(LinkLostError):
                await session.wire.send(ForgetOrder(number))

    async def _until_whole(self, session: Session, number: int, inbox: Inbox) -> None:
        """Until the adapter is here. Raises ProtocolError when it ends otherwise."""
        postponed: list[TrainingStands] = []
        while True:
            stands = postponed.pop(0) if postponed else await self._message(inbox, TrainingStands)
            self._resume, self._taken = False, True  # it was asked for
            stands = replace(stands, phase=sendable(stands.phase, MAX_WORDS))
            for news in self._curve.take_in(stands):
                self._told.put_nowait(news)
            if stands.state == SENDING and stands.missing:
                await self._send(session, number, inbox, stands.missing)
            for file in stands.files:
                if _PREVIEW.fullmatch(file.name) and not (self._run / file.name).is_file():
                    await self._fetch_preview(session, number, inbox, file, postponed)
            if stands.state == STOPPED:
                raise ProtocolError(ErrorCode.CANCELLED, STOPPED_SENTENCE, STOPPED_REMEDY)
            if stands.state == FAILED:
                raise error_of(OrderFailed(number, stands.code, stands.sentence, stands.remedy))
            if stands.state == DONE and self._curve.complete:
                await self._take_over(session, number, inbox, stands, postponed)
                return
            waits = stands.state in (QUEUED, WAITING)
            if waits or (stands.state == TRAINING and not stands.losses):
                self._tell(stands.phase, stands.share, waits=waits)

    async def _send(self, session: Session, number: int, inbox: Inbox, missing: tuple[str, ...]) -> None:
        """The songs that are not there yet."""
        files = files_to_send(self._training, missing)

        def check() -> None:
            if self._stopping.is_set():
                raise ProtocolError(ErrorCode.CANCELLED, STOPPED_SENTENCE, STOPPED_REMEDY)
            if self._leaving.is_set():
                raise LEFT

        def sent(share: float) -> None:
            self._tell(f"sending the songs to {self._connection.name}, {int(100 * share)} %", share)

        upload = FileUpload(session.wire, number, sum(file.size for file in files), check, sent)
        for file, digest in files.items():
            path = self._paths[digest]
            if await asyncio.to_thread(digest_and_size, path) != (file.digest, file.size):
                raise ProtocolError(
                    ErrorCode.FILE_CHANGED,
                    f"{path.name} is not the song it was when the training began.",
                    "Put it back, or start a training under another name.",
                    "songs",
                )
            await upload.send(file, path)
            await self._message(inbox, FileStored)

    async def _take_over(
        self,
        session: Session,
        number: int,
        inbox: Inbox,
        stands: TrainingStands,
        postponed: list[TrainingStands],
    ) -> None:
        """The adapter's files, once all of them have come; the one that makes it whole is the last."""
        files = sorted(
            (file for file in stands.files if file.name in _ADAPTER),
            key=lambda file: _ADAPTER.index(file.name),
        )
        if not any(file.name in ADAPTER_FILES for file in files):
            raise not_understood("a finished training without an adapter")
        self._tell(f"fetching the sound from {self._connection.name}", 1.0)
        for file in files:
            await self._fetch(session, number, inbox, file, postponed)
        await asyncio.to_thread(self._place, [file.name for file in files])

    async def _fetch_preview(
        self,
        session: Session,
        number: int,
        inbox: Inbox,
        file: TrainingFile,
        postponed: list[TrainingStands],
    ) -> None:
        """One that cannot be had is left out: the training does not depend on it."""
        if file.name in self._left_out:
            return
        try:
            await self._fetch(session, number, inbox, file, postponed)
        except ProtocolError as error:
            if error.code not in _OF_ONE_FILE:
                raise
            self._left_out.add(file.name)
            log.warning("a preview could not be fetched from the render host: %s", error.code.value)
        else:
            self._told.put_nowait({**self._curve.at, "preview": Path(file.name).stem})

    async def _fetch(
        self,
        session: Session,
        number: int,
        inbox: Inbox,
        file: TrainingFile,
        postponed: list[TrainingStands],
    ) -> None:
        """One file, whole and what its digest says, in the run's folder."""
        whole = file.name in _ADAPTER
        place = self._run / (FETCHED if whole else "") / file.name
        fetched = FetchedFile(file, place, self._run / FETCHED, LARGEST if whole else LARGEST_PREVIEW)
        start = await asyncio.to_thread(fetched.begin)
        if start < file.size:
            await session.wire.send(FetchFile(number, file.name, start))
        while not fetched.complete:
            message = await self._message(inbox, FilePiece, TrainingStands)
            if isinstance(message, TrainingStands):
                postponed.append(message)
            else:
                await asyncio.to_thread(fetched.add, message)
        await asyncio.to_thread(fetched.finish)

    def _place(self, names: list[str]) -> None:
        try:
            for name in names:
                with whole_file(self._adapter / name) as temporary:
                    shutil.copyfile(self._run / FETCHED / name, temporary)
        except StoreError as error:
            raise as_protocol_error(error) from error

    def _main(self) -> Path:
        return next(path for name in ADAPTER_FILES if (path := self._adapter / name).is_file())

    async def _stop_there(self, session: Session, number: int) -> None:
        await self._stopping.wait()
        with contextlib.suppress(LinkLostError):
            await session.wire.send(StopTraining(number))

    async def _message(self, inbox: Inbox, *kinds: type) -> Any:
        """The next message, of one of these kinds. Raises LinkLostError, ProtocolError."""
        while True:
            message = await self._or_left(inbox.get())
            if isinstance(message, LinkLostError):
                raise message
            if isinstance(message, OrderFailed):
                if not self._taken:  # nothing of it is there
                    await asyncio.to_thread(leave_host, self._run)
                    self._known = False
                raise error_of(message)
            if isinstance(message, FilePiece) and message.name in self._left_out:
                continue  # it was on its way
            if isinstance(message, kinds):
                return message
            if not isinstance(message, TrainingStands):
                raise not_understood(f"{type(message).__name__} about a training")

    async def _or_left(self, waiting: Awaitable[Found]) -> Found:
        """What is waited for. Raises ProtocolError when whoever follows leaves before."""
        work, leaving = asyncio.ensure_future(waiting), asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise LEFT
            return work.result()
        finally:
            leaving.cancel()
            if not work.done():
                work.cancel()


def elsewhere(kept: AtHost) -> ProtocolError:
    """The error where no line leads to the host that has a training."""
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        f"The training {kept.training.name} is at the render host {kept.address}, not at this one.",
        "Use the line of that host (--render-host), or choose another name.",
        "on",
    )
