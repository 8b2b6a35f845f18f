"""What a request gets at once, whichever way it came in. Endpoints put it into their own encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daw_protocol.addresses import BY_REQUEST
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Failed, Reply, Understood
from daw_protocol.requests import Request


@dataclass(frozen=True)
class TakeFile:
    """One file of a take, as it travels; name: what it is saved as, "" where a client chooses."""

    media_type: str
    body: bytes
    name: str = ""


@dataclass(frozen=True)
class Response:
    """The outcome of a request.

    replies: what goes out over OSC. Over JSON-RPC `data` (or `error`) takes the place of the first one, and the
             others follow it.
    file:    audio or a picture that goes with the answer.
    """

    replies: tuple[Reply, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    file: TakeFile | None = None
    error: ProtocolError | None = None


def understood(
    request: Request, text: str, data: Mapping[str, Any], file: TakeFile | None = None
) -> Response:
    """The response to a request that needs no job."""
    name = BY_REQUEST[type(request)].name
    return Response((Understood(id=request.id, command=name, text=text[:2000]),), dict(data), file)


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
