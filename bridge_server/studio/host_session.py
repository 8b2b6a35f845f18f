"""One bridge at a render host: takes its files and orders in, and sends what comes of them as fast as it is taken.

What is sent of an order is read from what the order has given so far, so a slow network holds nothing up and nothing
piles up; after a cut, sending goes on from what the bridge says it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBlueprint,
    ChildDone,
    ChildKept,
    ChildPiece,
    ChildProgress,
    ChildReport,
    StopCommand,
)
from bridge_server.engines.outcome import Outcome, StemFile
from bridge_server.studio.host_files import GONE
from bridge_server.studio.host_orders import HostOrder, OrderState
from bridge_server.studio.link_messages import (
    LINK_PROTOCOL,
    FilePart,
    FileStored,
    ForgetOrder,
    Have,
    Hello,
    HostNotes,
    LinkOrder,
    MissingFiles,
    OrderFailed,
    PieceAudio,
    SharedFile,
)
from bridge_server.studio.render_host import RenderHost
from bridge_server.studio.training_session import TrainingSession
from bridge_server.studio.wire import PART_BYTES, LinkLostError, UnreadableMessageError, Wire
from bridge_server.version import VERSION
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
EMPTY = hashlib.sha256().hexdigest()
ANOTHER = ProtocolError(
    ErrorCode.ENGINE_DIED,
    "What the render host renders now differs from what it had sent before.",
    "Try again. If it happens often, the engine does not repeat a seed.",
)
"""Two renders must not become one take: the bridge asks for the whole again."""


class HostSession:
    """One connection. name: tells its unfinished files from those of others."""

    def __init__(self, host: RenderHost, wire: Wire, name: str) -> None:
        self._host = host
        self._wire = wire
        self._name = name
        self._client = ""
        self._followed: dict[int, tuple[HostOrder, asyncio.Task[None]]] = {}
        self._trainings = TrainingSession(host.trainings, wire)
        self._part: tuple[int, SharedFile, Path] | None = (
            None  # the order that sends it, and what has come of it
        )

    async def run(self) -> None:
        """Until the connection ends."""
        noting: asyncio.Task[None] | None = None
        try:
            if await self._greeted():
                noting = asyncio.create_task(self._send_notes(), name="notes")
                while True:
                    await self._take_in(await self._wire.receive())
        except LinkLostError as lost:
            log.info("bridge %s is gone: %s", self._client[:8], lost)
        except UnreadableMessageError as wrong:
            log.warning("bridge %s sent what cannot be read: %s", self._client[:8], wrong)
            with contextlib.suppress(LinkLostError):
                await self._wire.send(
                    OrderFailed(0, ErrorCode.BAD_MESSAGE.value, f"The host cannot read: {wrong}.")
                )
        finally:
            if noting is not None:
                noting.cancel()
            for number in tuple(self._followed):
                self._host.left(self._unfollowed(number), time.monotonic())
            self._trainings.close()
            await self._leave_part()
            await self._wire.close()

    async def _greeted(self) -> bool:
        """Whether it is a bridge that this host understands."""
        try:
            async with asyncio.timeout(HELLO_SECONDS):  # not `wait_for`, as in engine_link.py
                hello = await self._wire.receive()
        except TimeoutError:
            return False
        if not isinstance(hello, Hello):
            raise UnreadableMessageError(f"{type(hello).__name__} before Hello")
        if hello.protocol != LINK_PROTOCOL:
            theirs, name, ours = hello.protocol, self._host.offer.name, LINK_PROTOCOL
            sentence = f"The bridge speaks version {theirs} of the engine link, the render host {name} version {ours}."
            remedy = "Install the same version of Takebridge on both machines."
            await self._wire.send(OrderFailed(0, ErrorCode.ENGINE_NOT_READY.value, sentence, remedy))
            return False
        self._client = hello.client
        if hello.version != VERSION:
            log.info("bridge %s is of version %s", hello.client[:8], hello.version)
        await self._wire.send(self._host.welcome())
        return True

    async def _send_notes(self) -> None:
        """What is wrong at the host, now and whenever that changes. The connection's end ends this too."""
        told: tuple[str, ...] = ()
        with contextlib.suppress(LinkLostError):  # whoever reads from the connection learns of it as well
            while True:
                noted, notes = self._host.noted, self._host.orders.notes()
                if notes != told:
                    await self._wire.send(HostNotes(0, notes))
                    told = notes
                await noted.wait()

    async def _take_in(self, message: object) -> None:
        """Answers an order or a file that cannot be had; raises for what only a broken peer sends."""
        number = getattr(message, "number", 0)
        try:
            match message:
                case Have():
                    lacking = await asyncio.to_thread(self._host.files.missing, message.files)
                    await self._wire.send(MissingFiles(number, lacking))
                case FilePart():
                    await self._add(message)
                case LinkOrder():
                    await self._follow(message)
                case StopCommand():
                    if number in self._followed:
                        self._stop(self._followed[number][0])
                case ForgetOrder():
                    if self._part is not None and self._part[0] == number:
                        await self._leave_part()
                    if number in self._followed:
                        self._forget(number)
                    self._trainings.leave(number)
                case _ if await self._trainings.take_in(message):
                    pass
                case _:
                    raise UnreadableMessageError(f"{type(message).__name__} is for bridges")
        except ProtocolError as error:
            await self._wire.send(failed(number, error))

    async def _add(self, part: FilePart) -> None:
        files = self._host.files
        if self._part is None or self._part[:2] != (part.number, part.file):
            await self._leave_part()  # the order that sent it was cancelled
            path = await asyncio.to_thread(files.begin, part.file, self._name)
            self._part = (part.number, part.file, path)
        _, file, path = self._part
        size = await asyncio.to_thread(files.grow, path, part.data)
        if size < file.size:
            return
        if size > file.size:
            raise UnreadableMessageError("a file is longer than it was announced")
        self._part = None
        await asyncio.to_thread(files.keep, path, file, self._host.orders.in_use())
        if self._trainings.wants(part.number, file):
            await self._trainings.arrived(part.number, file, files.path(file))
        await self._wire.send(FileStored(part.number, file.digest))

    async def _leave_part(self) -> None:
        """Removes the file that has come in part only."""
        part, self._part = self._part, None
        if part is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(part[2].unlink, True)

    async def _follow(self, given: LinkOrder) -> None:
        if given.number in self._followed:
            raise UnreadableMessageError(f"order {given.number} came twice")
        if await asyncio.to_thread(self._host.lacks, given.command):
            raise GONE
        order = await self._host.accept(self._client, given.engine, given.command)
        order.watchers += 1
        sent = {(each.take, each.stem): SentStem(each.frames, 0, each.digest) for each in given.have}
        task = asyncio.create_task(self._send_all(order, given.number, sent), name=f"sends {order.name}")
        self._followed[given.number] = (order, task)

    def _stop(self, order: HostOrder) -> None:
        """Stops an order; one that has not begun is over at once."""
        order.stop.set()
        if order.state is OrderState.WAITING:
            order.error = ProtocolError(ErrorCode.CANCELLED, "The render was cancelled.")
            order.state = OrderState.FAILED
            order.touch()
            self._host.wake()

    def _forget(self, number: int) -> None:
        order = self._unfollowed(number)
        order.watchers -= 1
        if order.watchers <= 0:
            self._host.drop(order)

    def _unfollowed(self, number: int) -> HostOrder:
        order, task = self._followed.pop(number)
        task.cancel()
        return order

    async def _send_all(self, order: HostOrder, number: int, sent: SentStems) -> None:
        """Sends what there is of an order, and what comes, until it has ended. The connection's end ends this too."""
        shown, told = None, set[int]()
        try:
            while True:
                changed, ended, finished = order.changed, order.ended, tuple(order.finished.values())
                if order.progress is not None and order.progress is not shown and not ended:
                    shown = order.progress
                    await self._wire.send(ChildProgress(number, shown))
                for key, stem in tuple(order.grown.items()):
                    await self._send_stem(
                        order, number, key, stem, sent.setdefault(key, SentStem(-1, order.run))
                    )
                for outcome in finished:
                    if outcome.take not in told and is_there(outcome, sent, order.run):
                        told.add(outcome.take)
                        for message in beside(outcome, number):
                            await self._wire.send(message)
                if ended:
                    break
                await changed.wait()
            if order.state is OrderState.DONE and told != order.finished.keys():
                raise ANOTHER  # what the bridge has is longer, or of a stem there is none of
            await self._wire.send(ending(order, number))
            if order.state is OrderState.FAILED and number in self._followed:
                # Its task is this one, which ends by itself.
                del self._followed[number]
                order.watchers -= 1
                self._host.drop(order)  # asked for again, it is rendered again
        except LinkLostError:
            pass  # whoever reads from the connection learns of it as well
        except OSError as error:
            log.warning("order %s: its result cannot be read: %s", order.name, error)
            await self._apologise(number, GONE)
        except ProtocolError as error:
            log.warning("order %s: its result cannot be sent: %s", order.name, error)
            await self._apologise(number, error)
        except Exception:  # a bug ends its order only
            log.exception("order %s could not be sent by a bug", order.name)
            await self._apologise(number, self._host.bug())

    async def _apologise(self, number: int, error: ProtocolError) -> None:
        """The last word about an order; the bridge forgets it then."""
        with contextlib.suppress(LinkLostError):
            await self._wire.send(failed(number, error))

    async def _send_stem(
        self, order: HostOrder, number: int, key: tuple[int, str], stem: StemFile, sent: SentStem
    ) -> None:
        """Sends the frames of a stem that the bridge has not got. Raises ProtocolError if it has those of another."""
        run = order.run
        if sent.run != run:
            if stem.frames < sent.frames:
                return
            found = await asyncio.to_thread(hash_of, stem, max(sent.frames, 0))
            if order.run != run:
                return
            if found.hexdigest() != sent.digest:
                raise ANOTHER
            sent.run, sent.hash = run, found
        most = max(1, PART_BYTES // (4 * stem.channels))
        while sent.frames < stem.frames:  # -1: a stem without frames is sent as well
            have = max(sent.frames, 0)
            part = StemFile(stem.stem, stem.start, min(stem.frames, have + most), stem.channels, stem.path)
            try:
                samples = await asyncio.to_thread(part.samples, have)
            except ValueError:
                return
            if order.run != run or have + len(samples) < part.frames:
                return  # its file begins again, in another process: the same samples should be there
            piece, data = (
                ChildPiece(number, key[0], stem.stem, stem.start + have, len(samples)),
                np.ascontiguousarray(samples, "<f4").tobytes(),
            )
            await self._wire.send(PieceAudio(piece, data))
            sent.add(part.frames, data)


@dataclass
class SentStem:
    """What a bridge has of a stem: so many frames of this digest.

    run: of the order, that gave them; 0 for those from before a cut, which another render may have given.
    """

    frames: int
    run: int
    digest: str = EMPTY
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, frames: int, data: bytes) -> None:
        """It has all up to `frames` now."""
        self.frames = frames
        self.hash.update(data)
        self.digest = self.hash.hexdigest()


SentStems = dict[tuple[int, str], SentStem]


def hash_of(stem: StemFile, frames: int) -> hashlib._Hash:
    """SHA-256 of the first frames of a stem. Raises OSError."""
    found, left = hashlib.sha256(), frames * stem.channels * 4
    with stem.path.open("rb") as file:
        while left > 0 and (data := file.read(min(left, PART_BYTES))):
            found.update(data)
            left -= len(data)
    return found


def is_there(outcome: Outcome, sent: SentStems, run: int) -> bool:
    """Whether a bridge has all audio of a take, and none but this."""
    theirs = {stem: each for (take, stem), each in sent.items() if take == outcome.take}
    ours = {stem.stem: stem.frames for stem in outcome.stems}
    return {stem: each.frames for stem, each in theirs.items()} == ours and all(
        each.run == run for each in theirs.values()
    )


def ending(order: HostOrder, number: int) -> ChildDone | OrderFailed:
    """What is sent last of an order."""
    return ChildDone(number) if order.error is None else failed(number, order.error)


def beside(outcome: Outcome, number: int) -> list[object]:
    """What came with a take besides its audio: its report, the last of it, says that it is complete."""
    take = outcome.take
    return [
        *(ChildAttachment(number, take, each) for each in outcome.attachments),
        *([] if outcome.blueprint is None else [ChildBlueprint(number, take, outcome.blueprint)]),
        *(ChildKept(number, take, each) for each in outcome.kept),
        ChildReport(number, take, outcome.report),
    ]


def failed(number: int, error: ProtocolError) -> OrderFailed:
    """An error as the bridge gets it."""
    return OrderFailed(number, error.code.value, error.sentence, error.remedy, error.field)
