"""What a request gets at once, whichever way it came in. Endpoints put it into their own encoding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from daw_protocol.addresses import BY_REQUEST
from daw_protocol.errors import MAX_SENTENCE, ErrorCode, ProtocolError, sendable
from daw_protocol.message import Message
from daw_protocol.replies import Failed, Reply, Understood
from daw_protocol.requests import Request


class Content(Protocol):
    """Bytes that are read in pieces. `read` is slow, for a thread; both raise OSError when the file has gone."""

    @property
    def size(self) -> int: ...

    def read(self, first: int, end: int) -> bytes: ...


@dataclass(frozen=True)
class TakeFile:
    """One file of a take, as it travels.

    content: the bytes, the file they are read from piece by piece, or what puts them together.
    name:    what it is saved as, "" where a client chooses.
    tag:     differs whenever the bytes do; "" where that is not known.
    """

    media_type: str
    content: bytes | Path | Content
    name: str = ""
    tag: str = ""

    @cached_property
    def size(self) -> int:
        """In bytes. Raises OSError when the file has gone."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size if isinstance(self.content, Path) else self.content.size

    def read(self, first: int, end: int) -> bytes:
        """Bytes [first, end). Slow, for a thread. Raises OSError when the file has gone."""
        if isinstance(self.content, bytes):
            return self.content[first:end]
        if not isinstance(self.content, Path):
            return self.content.read(first, end)
        with self.content.open("rb") as file:
            file.seek(first)
            return file.read(end - first)

    def pieces(self, size: int) -> Iterator[tuple[int, int]]:
        """Where each piece of at most `size` bytes begins and ends."""
        return ((first, min(first + size, self.size)) for first in range(0, self.size, size))


@dataclass(frozen=True)
class Response:
    """The outcome of a request.

    replies: what goes out over OSC. Over JSON-RPC `result` (or `error`) takes the place of the first one, and the
             others follow it.
    result:  of the type the command table names; None when the request was refused.
    file:    audio or a picture that goes with the answer.
    """

    replies: tuple[Reply, ...]
    result: Message | None = None
    file: TakeFile | None = None
    error: ProtocolError | None = None


def understood(request: Request, text: str, result: Message, file: TakeFile | None = None) -> Response:
    """The response to a request that needs no job."""
    name = BY_REQUEST[type(request)].name
    return Response(
        (Understood(id=request.id, command=name, text=sendable(text, MAX_SENTENCE)),), result, file
    )


def refused(error: ProtocolError, request_id: str = "") -> Response:
    """The response to a request that cannot be carried out."""
    return Response((Failed.from_error(error, request_id=request_id),), error=error)


def our_fault() -> ProtocolError:
    """The error a client gets for a bug of ours; the details are in the log."""
    return ProtocolError(
        ErrorCode.INTERNAL,
        "Internal error in the bridge.",
        "Nothing was changed. The server's log has the details.",
    )
