"""Request bodies, in pieces or whole, with a limit."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request

from daw_protocol.errors import ErrorCode, ProtocolError

BLOCK = 1 << 20


def length_of(request: Request) -> int | None:
    """The body's length in bytes, as announced; None when it is not."""
    given = request.headers.get("Content-Length", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else None


async def whole_body(request: Request, max_bytes: int) -> bytes:
    """The body. Raises ProtocolError when it is longer than that; no more of it is kept."""
    found = bytearray()
    if (length_of(request) or 0) > max_bytes:
        raise _too_long(max_bytes)
    async for piece in request.stream():
        found += piece
        if len(found) > max_bytes:
            raise _too_long(max_bytes)
    return bytes(found)


async def blocks(request: Request) -> AsyncIterator[bytes]:
    """The body in blocks of about BLOCK bytes: each costs whoever takes it a change of threads."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) >= BLOCK:
            yield bytes(found)
            found.clear()
    if found:
        yield bytes(found)


def _too_long(max_bytes: int) -> ProtocolError:
    return ProtocolError(
        ErrorCode.TOO_LARGE,
        f"The request has more than {max_bytes} bytes.",
        "Send fewer calls at once, and audio with PUT /uploads/NAME.",
    )
