"""What a laptop keeps of a training that a render host was given: where that is, and the order. Blocks, but for
`forgotten`.

The file lies with what is unfinished of the training; as long as it is there, its songs may be at the host.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.host_training import check_order
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.link_messages import OrderFailed
from bridge_server.studio.linked_render import error_of
from bridge_server.studio.training_messages import (
    Consent,
    ForgetTraining,
    LinkedSong,
    LinkedTraining,
    SongWords,
)
from bridge_server.studio.value_codec import from_json, to_json
from bridge_server.studio.wire import LinkLostError
from bridge_server.training.kept_trainings import AT_HOST
from bridge_server.training.song_folder import SongToLearn
from bridge_server.training.training_wish import save
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

FORGET_SECONDS = 20.0
NOT_SENT = "Nothing was sent there."
KEPT_THERE = "Its songs are kept there until it answers, for thirty days at most."


@dataclass(frozen=True)
class AtHost:
    """A training at the host with this address and certificate."""

    address: str
    fingerprint: str
    training: LinkedTraining

    def is_at(self, join: JoinString) -> bool:
        """Whether the line leads to that host; one with a certificate may have moved."""
        if self.fingerprint:
            return self.fingerprint == join.fingerprint
        return self.address == join.address

    def songs(self, folder: Path) -> list[SongToLearn]:
        """Its songs, which lie in this folder, without reading them."""
        return [
            SongToLearn(folder / one.name, one.digest, 0.0, one.words.fields) for one in self.training.songs
        ]

    def consent(self) -> dict[str, Any]:
        """The consent that was given."""
        return {"songs": list(self.training.consent.songs), "given": self.training.consent.given}


def kept_at_host(run: Path) -> AtHost | None:
    """None where no host was given anything, or the file is damaged."""
    try:
        return AtHost(**_read(json.loads((run / AT_HOST).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _read(fields: Mapping[str, Any]) -> dict[str, Any]:
    training = from_json(LinkedTraining, fields["training"])
    return {"address": fields["address"], "fingerprint": fields["fingerprint"], "training": training}


def keep_at_host(run: Path, join: JoinString, training: LinkedTraining) -> None:
    """Raises ProtocolError if the disk refuses."""
    order, _ = to_json(training)
    fields = {"address": join.address, "fingerprint": join.fingerprint, "training": order}
    save(run / AT_HOST, json.dumps(fields).encode())


def leave_host(run: Path) -> None:
    """The host has nothing of it: it took no song."""
    try:
        (run / AT_HOST).unlink(missing_ok=True)
    except OSError as error:
        log.warning("a training that its host refused counts as there: %s", error.strerror)


def linked_training(
    order: Mapping[str, Any], paths: Mapping[str, Path], before: LinkedTraining | None
) -> LinkedTraining:
    """An order as `order_of` makes it, for a host. paths: of the songs, by digest. before: what the host was given.

    Reads the songs once, for the digests of their files. Raises ProtocolError, also for what no host takes.
    """
    known = {one.digest: (one.bytes_digest, one.size) for one in before.songs} if before else {}
    songs = []
    for song in order["songs"]:
        _refuse_name(song["name"])
        words = {name: value for name, value in song.items() if name not in ("name", "digest")}
        digest, size = known.get(song["digest"]) or digest_and_size(paths[song["digest"]])
        songs.append(LinkedSong(song["name"], song["digest"], SongWords(**words), digest, size))
    consent = order["about"]["consent"]
    training = LinkedTraining(
        before.id if before else secrets.token_hex(16),
        order["name"],
        order["checkpoint"],
        order["device"],
        order["memory"],
        Consent(tuple(consent["songs"]), consent["given"]),
        tuple(songs),
        dict(order["changed"]),
        dict(order["preview"]),
    )
    check_order(training)
    return training


def _refuse_name(name: str) -> None:
    """Raises ProtocolError for one of other bytes than UTF-8, which Linux allows and no message carries."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ProtocolError(
            ErrorCode.BAD_MESSAGE,
            f"The render host cannot have a file called {name!r}.",
            "Rename it.",
            "songs",
        ) from None


def digest_and_size(path: Path) -> tuple[str, int]:
    """Of a file's bytes. Raises ProtocolError for a song that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    except OSError as error:
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE,
            f"{path.name} cannot be read: {error.strerror}.",
            "Put it back or check its permissions, then try again.",
            "songs",
        ) from error


async def forgotten(connection: HostConnection, key: str) -> None:
    """Has a host remove everything of a training. Raises ProtocolError where it cannot, and where it is not there."""
    try:
        async with asyncio.timeout(FORGET_SECONDS):
            session = await connection.connected()
            number, inbox = session.open()
            try:
                await session.wire.send(ForgetTraining(number, key))
                answer = await inbox.get()
            finally:
                session.close(number)
    except (TimeoutError, LinkLostError) as error:
        raise unreachable(connection, KEPT_THERE) from error
    if isinstance(answer, LinkLostError):
        raise unreachable(connection, KEPT_THERE)
    if isinstance(answer, OrderFailed):
        raise error_of(answer)


def unreachable(connection: HostConnection, so: str) -> ProtocolError:
    """The error where a host does not answer. so: what that means for the training."""
    problem = (connection.problem or "it does not answer").rstrip(".")
    return ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        f"The render host {connection.name} cannot be reached: {problem}.",
        so if connection.answered else f"{so} Check that it runs and that both machines are in one network.",
        "on",
    )
