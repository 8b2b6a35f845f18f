"""The trainings that one connection to a render host looks at: tells how they stand, and sends what they have made.

What is sent is read from what there is, so a slow network holds no training up and nothing piles up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from bridge_server.studio.host_training import HostTraining
from bridge_server.studio.host_trainings import HostTrainings
from bridge_server.studio.link_messages import OrderFailed, SharedFile
from bridge_server.studio.training_messages import (
    FetchFile,
    FilePiece,
    ForgetTraining,
    StopTraining,
    TrainingForgotten,
    TrainingStands,
    TrainThere,
)
from bridge_server.studio.wire import PART_BYTES, LinkLostError, UnreadableMessageError, Wire
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

LOSSES_AT_ONCE = 10_000


class TrainingSession:
    """Lives as long as its connection, on the event loop."""

    def __init__(self, trainings: HostTrainings, wire: Wire) -> None:
        self._trainings = trainings
        self._wire = wire
        self._followed: dict[int, tuple[HostTraining, asyncio.Task[None]]] = {}
        self._forgetting: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """The connection is gone; the trainings go on."""
        for number in tuple(self._followed):
            self.leave(number)

    def leave(self, number: int) -> None:
        """The laptop looks at this one no more."""
        if number in self._followed:
            self._followed.pop(number)[1].cancel()

    def wants(self, number: int, file: SharedFile) -> bool:
        """Whether a file that came under this number is a song of a training."""
        if number not in self._followed:
            return False
        songs = self._followed[number][0].order.songs
        return any((one.bytes_digest, one.size) == (file.digest, file.size) for one in songs)

    async def arrived(self, number: int, file: SharedFile, path: Path) -> None:
        """A song came whole. Raises ProtocolError."""
        await self._trainings.arrived(self._followed[number][0], file.digest, path)

    async def take_in(self, message: object) -> bool:
        """Whether the message was about trainings. Raises ProtocolError, UnreadableMessageError."""
        match message:
            case TrainThere(number, order, resume):
                if number in self._followed:
                    raise UnreadableMessageError(f"training {number} came twice")
                training = await self._trainings.accept(order, resume)
                task = asyncio.create_task(self._tell(number, training), name=f"tells of {order.id[:8]}")
                self._followed[number] = training, task
            case StopTraining(number):
                if number in self._followed:
                    await self._trainings.stop(self._followed[number][0])
            case FetchFile():
                await self._send(message)
            case ForgetTraining(number, key):
                forgetting = asyncio.create_task(self._forget(number, key), name=f"forgets {key[:8]}")
                self._forgetting.add(forgetting)
                forgetting.add_done_callback(self._forgetting.discard)
            case _:
                return False
        return True

    async def _tell(self, number: int, training: HostTraining) -> None:
        """Until nothing more comes of it."""
        sent = 0
        try:
            while True:
                changed, measured = training.changed, training.measured
                if sent > len(measured.losses):
                    sent = 0  # it goes on from an earlier state
                stands = await asyncio.to_thread(_stands, number, training, sent)
                await self._wire.send(stands)
                sent += len(stands.losses)
                if sent >= len(training.measured.losses):
                    if training.ended and changed is training.changed:
                        return
                    await changed.wait()
        except LinkLostError:
            pass  # whoever reads from the connection learns of it as well
        except Exception:  # a bug ends the telling only
            log.exception("training %s could not be told of by a bug", training.order.id[:8])
            with contextlib.suppress(LinkLostError):
                await self._wire.send(
                    OrderFailed(
                        number,
                        ErrorCode.INTERNAL.value,
                        f"Internal error in the render host {self._trainings.name}.",
                        "Its log has the details. Resume the training to see how it stands.",
                    )
                )

    async def _forget(self, number: int, key: str) -> None:
        """Aside, since a training is stopped first and gigabytes are removed; it goes on without the connection."""
        answer: object = TrainingForgotten(number)
        try:
            await self._trainings.forget(key)
        except ProtocolError as error:
            answer = OrderFailed(number, error.code.value, error.sentence, error.remedy, error.field)
        except Exception:
            log.exception("training %s could not be removed by a bug", key[:8])
            answer = OrderFailed(
                number,
                ErrorCode.INTERNAL.value,
                f"Internal error in the render host {self._trainings.name}.",
                "Its log has the details.",
            )
        with contextlib.suppress(LinkLostError):
            await self._wire.send(answer)

    async def _send(self, wanted: FetchFile) -> None:
        """Sends a file that a training has made. Raises ProtocolError for one that is not there."""
        training = self._followed[wanted.number][0] if wanted.number in self._followed else None
        try:
            if training is None:
                raise FileNotFoundError
            with await asyncio.to_thread(training.open, wanted.name) as file:
                await asyncio.to_thread(file.seek, max(0, wanted.start))
                start = max(0, wanted.start)
                while data := await asyncio.to_thread(file.read, PART_BYTES):
                    await self._wire.send(FilePiece(wanted.number, wanted.name, start, data))
                    start += len(data)
        except OSError as error:
            raise ProtocolError(
                ErrorCode.FILE_MISSING,
                "A file of the training is not at the render host any more.",
                "Resume the training to see how it stands there.",
            ) from error


def _stands(number: int, training: HostTraining, sent: int) -> TrainingStands:
    """How it is, without the first `sent` losses. Blocks."""
    measured, error = training.measured, training.error
    return TrainingStands(
        number,
        training.state,
        training.phase,
        training.share,
        measured.steps,
        sent,
        measured.losses[sent : sent + LOSSES_AT_ONCE],
        measured.checks[-LOSSES_AT_ONCE:],
        dict(training.described),
        training.skipped,
        training.files(),
        training.missing() if training.state == "sending" else (),
        training.seconds_left,
        training.stopped_early,
        *(("", "", "") if error is None else (error.code.value, error.sentence, error.remedy)),
    )
