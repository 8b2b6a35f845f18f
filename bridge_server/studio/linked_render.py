"""What has come of one order from a render host, over however many connections: files of this machine, and the rest.

Nothing a host sends is believed: a piece must follow the one before it, and a name must stay in the order's folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

from bridge_server.engines.host import OnOutcome, OnPiece, RenderCancelledError, ignore_outcome
from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBlueprint,
    ChildDone,
    ChildKept,
    ChildProgress,
    ChildReport,
    ChildResult,
    RenderCommand,
)
from bridge_server.engines.outcome import Outcome, OutcomeCollector, StemFile, stem_path
from bridge_server.log_words import Private
from bridge_server.studio.link_messages import OrderFailed, PieceAudio, StemFrames
from bridge_server.studio.wire import MAX_BYTES
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import OnProgress

log = logging.getLogger(__name__)

MAX_STEMS = 64  # of a take
MAX_BESIDE = 256  # attachments and the like, of a take
MAX_BESIDE_BYTES = 4 * MAX_BYTES  # of all of them


class LinkedRender:
    """What has come of an order so far, over however many connections.

    A take is complete with its report, which the host sends once all of its audio is here.
    """

    def __init__(
        self,
        command: RenderCommand,
        folder: Path,
        on_progress: OnProgress,
        on_piece: OnPiece,
        on_outcome: OnOutcome = ignore_outcome,
    ) -> None:
        self.command = command
        self.on_progress = on_progress
        self._folder = folder
        self._on_piece = on_piece
        self._on_outcome = on_outcome
        self._channels = command.request.channels
        self._grown: dict[tuple[int, str], StemFile] = {}
        self._hashes: defaultdict[tuple[int, str], hashlib._Hash] = defaultdict(hashlib.sha256)
        self._collector = OutcomeCollector(command.request.takes, self._channels, folder)
        self._beside: list[ChildResult] = []  # of takes without a report so far
        self._beside_bytes = 0
        self._complete: set[int] = set()
        # What came with these, which stays in memory until the order ends.
        self._complete_many = 0
        self._complete_bytes = 0

    def begin(self) -> tuple[StemFrames, ...]:
        """The stems as far as they have come; what comes beside them comes again."""
        self._beside.clear()
        self._beside_bytes = 0
        return tuple(
            StemFrames(*key, grown.frames, self._hashes[key].hexdigest())
            for key, grown in self._grown.items()
        )

    def outcomes(self) -> tuple[Outcome, ...]:
        return self._collector.outcomes()

    async def accept(self, message: Any, stop: asyncio.Event) -> bool:
        """Takes a message in; true for the last one. Raises ProtocolError, RenderCancelledError, LinkLostError."""
        match message:
            case ChildProgress():
                self.on_progress(message.progress)
            case PieceAudio():
                await self._write(message)
            case ChildDone():
                self._finish()
                return True
            case OrderFailed():
                if stop.is_set():
                    raise RenderCancelledError
                raise error_of(message)
            case ChildAttachment() | ChildBlueprint() | ChildKept() | ChildReport():
                self._checked(message.take)
                if message.take not in self._complete:  # after a cut it comes once more
                    self._keep(message)
            case _:
                raise not_understood(type(message).__name__)
        return False

    def _finish(self) -> None:
        if self._complete != set(self.command.request.takes):
            raise not_understood(f"reports of the takes {sorted(self._complete)}")

    def _keep(self, message: ChildResult) -> None:
        self._beside.append(message)
        self._beside_bytes += _bytes_of(message)
        many = self._complete_many + len(self._beside)
        size = self._complete_bytes + self._beside_bytes
        if many > MAX_BESIDE * len(self.command.request.takes) or size > MAX_BESIDE_BYTES:
            raise not_understood(f"{many} values, {size} bytes, beside the audio")
        if isinstance(message, ChildReport):
            self._completed(message.take)

    def _completed(self, take: int) -> None:
        of_take = [each for each in self._beside if each.take == take]
        self._beside = [each for each in self._beside if each.take != take]
        for each in of_take:
            self._collector.accept(each)
        size = sum(map(_bytes_of, of_take))
        self._beside_bytes -= size
        self._complete_bytes += size
        self._complete_many += len(of_take)
        self._complete.add(take)
        self._on_outcome(self._collector.outcome(take))

    async def _write(self, audio: PieceAudio) -> None:
        piece = audio.piece
        self._checked(piece.take)
        if piece.take in self._complete:
            raise not_understood(f"audio of take {piece.take} after its report")
        known = self._grown.get((piece.take, piece.stem))
        expected = piece.start if known is None else known.start + known.frames
        if piece.start != expected or len(audio.data) != piece.frames * self._channels * 4:
            raise not_understood(
                f"{len(audio.data)} bytes as {piece.frames} frames at {piece.start}, not {expected}"
            )
        request, frames = self.command.request, piece.frames + (0 if known is None else known.frames)
        # A second too much is the engine's fault, which is said in its place.
        if frames > request.length + 2 * request.handle + request.rate:
            raise not_understood(f"{frames} frames of {request.length}")
        if known is None and sum(take == piece.take for take, _ in self._grown) >= MAX_STEMS:
            raise not_understood(f"more than {MAX_STEMS} stems")
        path = stem_path(self._folder, piece.take, _plain_name(piece.stem))
        try:
            await asyncio.to_thread(_append, path, audio.data, known is None)
            self._hashes[piece.take, piece.stem].update(audio.data)
        except OSError as error:
            raise disk_error(error) from error
        grown = self._collector.accept(piece)
        assert grown is not None, "a piece makes its stem grow"
        self._grown[piece.take, piece.stem] = grown
        self._on_piece(piece.take, grown)

    def _checked(self, take: int) -> None:
        if take not in self.command.request.takes:
            raise not_understood(f"take {take}")


def _bytes_of(message: ChildResult) -> int:
    """How much a message holds in memory."""
    match message:
        case ChildAttachment(attachment=attachment):
            return len(attachment.data)
        case ChildKept(kept=kept):
            return len(kept.data)
    return 0


def _append(path: Path, data: bytes, first: bool) -> None:
    with path.open("wb" if first else "ab") as file:
        file.write(data)


def _plain_name(stem: str) -> str:
    """A stem's name, which becomes a file's. Raises ProtocolError for one that leads elsewhere."""
    if not stem or len(stem) > 64 or any(each in stem for each in '/\\:*?"<>|\0') or stem.startswith("."):
        raise not_understood(f"a stem called {stem[:64]!r}")
    return stem


def error_of(failed: OrderFailed) -> ProtocolError:
    """The host's error as one of this bridge; its words are cut to what an answer carries."""
    try:
        code = ErrorCode(failed.code)
    except ValueError:  # a later version's
        code = ErrorCode.CANNOT_RENDER
    return ProtocolError(code, failed.sentence, failed.remedy, failed.field)


def not_understood(what: str) -> ProtocolError:
    """For what a host of this version never sends. what: it was, for the log."""
    log.error("a render host sent what does not belong to the order: %s", Private(what))
    return ProtocolError(
        ErrorCode.INTERNAL,
        "The render host sent what does not belong to the order.",
        "This is a bug. The logs of both machines have the details.",
    )


def disk_error(error: OSError) -> ProtocolError:
    """For a disk of this machine that takes nothing more."""
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The store cannot be written: {error.strerror}.",
        "Free some disk space or check the folder's permissions, then try again.",
    )
