"""One end of an engine link: messages over a WebSocket. A text frame is a message; the bytes it announces follow it.

Knows nothing of orders. A message whose bytes are large must not keep another waiting for long: senders cut them into
parts of `PART_BYTES`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, get_args

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from bridge_server.studio.link_messages import FromHost, ToHost
from bridge_server.studio.value_codec import from_json, to_json
from daw_protocol.errors import ErrorCode, ProtocolError

FRAME_BYTES = 4 * 2**20
"""Largest frame: an order with the beats of half an hour has a quarter of it."""
MAX_BYTES = 64 * 2**20
"""Most bytes of one message: what an engine keeps of a take, its largest, has a quarter."""
PART_BYTES = 256 * 1024
"""Of a file or a stem in one message, and of what the system holds back for a slow network: what waits behind it, such
as the sign of life, must not come too late."""

KINDS = {kind.__name__: kind for kind in (*get_args(ToHost), *get_args(FromHost))}


class LinkLostError(Exception):
    """The connection has ended; the sentence says why."""


class UnreadableMessageError(Exception):
    """The other side sent what is no message."""


class Wire:
    """Sends and receives messages; several tasks may send, one receives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = asyncio.Lock()
        limit_backlog(connection)

    async def send(self, message: object) -> None:
        """Raises LinkLostError, and ProtocolError for a message that the other side would not take."""
        fields, data = to_json(message)
        kind = type(message).__name__
        text = json.dumps([kind, len(data), fields], separators=(",", ":"), ensure_ascii=False)
        _refuse_large(len(data), MAX_BYTES)
        _refuse_large(len(text.encode()), FRAME_BYTES)
        sending = asyncio.ensure_future(self._send_whole(text, data))
        try:
            # Whoever waits may be cancelled: a message without its bytes would spoil what comes after it.
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            sending.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
            raise
        except ConnectionClosed as closed:
            raise lost(closed) from closed

    async def _send_whole(self, text: str, data: bytes) -> None:
        async with self._sending:
            await self._connection.send(text)
            for start in range(0, len(data), FRAME_BYTES):
                await self._connection.send(data[start : start + FRAME_BYTES])

    async def receive(self) -> Any:
        """The next message. Raises LinkLostError, UnreadableMessageError."""
        try:
            text = await self._connection.recv()
            if not isinstance(text, str):
                raise UnreadableMessageError("bytes came without a message")
            kind, size, fields = _read(text)
            data = bytearray()
            while len(data) < size:
                part = await self._connection.recv()
                if not isinstance(part, bytes) or not part or len(data) + len(part) > size:
                    raise UnreadableMessageError(f"{kind.__name__}: its bytes are not what it announced")
                data += part
        except ConnectionClosed as closed:
            raise lost(closed) from closed
        try:
            return from_json(kind, fields, bytes(data))
        except ValueError as wrong:
            raise UnreadableMessageError(f"{kind.__name__}: {wrong}") from wrong

    async def close(self, reason: str = "") -> None:
        """Ends the connection; what was sent before arrives. reason: for the other side."""
        await self._connection.close(reason=reason[:100])


def _refuse_large(size: int, most: int) -> None:
    if size > most:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"{size / 2**20:.0f} MB in one message are too many for the link to a render host; it takes "
            f"{most // 2**20} MB.",
            "Choose a shorter region, or render without --render-host.",
        )


def _read(text: str) -> tuple[type, int, object]:
    """Kind, number of bytes and fields of a message. Raises UnreadableMessageError."""
    try:
        name, size, fields = json.loads(text)
        kind = KINDS[name]
    except (ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise UnreadableMessageError("no message of this protocol") from wrong
    if type(size) is not int or not 0 <= size <= MAX_BYTES:
        raise UnreadableMessageError(f"{name} announces {str(size)[:40]} bytes")
    return kind, size, fields


def lost(closed: ConnectionClosed) -> LinkLostError:
    """The end of a connection as the rest of the link knows it."""
    reason = closed.rcvd.reason if closed.rcvd is not None else ""
    return LinkLostError(reason or "the connection was cut")


def limit_backlog(connection: Connection) -> None:
    """Lets the system hold back little, so that a sign of life is not late behind what is being sent."""
    sock = connection.transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PART_BYTES)
