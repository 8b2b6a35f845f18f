"""What a request gets at once, in both encodings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daw_protocol.addresses import BY_REQUEST
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Reply, Understood
from daw_protocol.requests import Request


@dataclass(frozen=True)
class Response:
    """`replies` go out over OSC; over WebSocket `data` is the result, and replies behind the first follow it."""

    replies: tuple[Reply, ...]
    data: Mapping[str, Any] = field(default_factory=dict)


def understood(request: Request, text: str, data: Mapping[str, Any]) -> Response:
    """The answer to a request that needs no job."""
    name = BY_REQUEST[type(request)].name
    return Response((Understood(id=request.id, command=name, text=text[:2000]),), dict(data))


def our_fault() -> ProtocolError:
    return ProtocolError(
        ErrorCode.INTERNAL,
        "The bridge made a mistake of its own with this message.",
        "Nothing was changed. The server's log has the details.",
    )
