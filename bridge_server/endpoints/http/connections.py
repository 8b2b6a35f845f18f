"""uvicorn's connections, and when they end: not while bytes flow, but soon when a peer stands still.

uvicorn waits for ever for a request that is begun and never finished, and for a peer that does not read.
"""

from __future__ import annotations

import asyncio
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from bridge_server.endpoints.websocket import ABORT

# A request's head, or its next bytes while a body comes.
REQUEST_SECONDS = 30.0
# A long time: a player that is paused reads nothing, and expects to go on where it was.
STALLED_SECONDS = 600.0
# After a frame that cannot be read: what else the client is sending is thrown away for so long.
LINGER_SECONDS = 2.0

_BAD_HANDSHAKE = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: 28\r\n\r\nThis is no WebSocket request"
)


class StallWatch:
    """Ends a connection whose peer has taken nothing for STALLED_SECONDS although something waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, seconds: float) -> None:
        self._loop = loop
        self._transport = transport
        self._seconds = seconds
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    def paused(self) -> None:
        """The transport's buffer is full."""
        self.resumed()
        self._waiting = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._seconds, self._look)

    def resumed(self) -> None:
        """The buffer has emptied, or the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._waiting:
            self.paused()  # slow, but reading
        else:
            self._transport.abort()


class EndsWhenStalled(asyncio.Protocol):
    """What both kinds of connection share; comes before uvicorn's class among the bases."""

    stalled_seconds = STALLED_SECONDS

    _stall: StallWatch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._stall = StallWatch(
            asyncio.get_running_loop(), cast(asyncio.Transport, transport), self.stalled_seconds
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stall.resumed()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.paused()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.resumed()


class HttpConnection(EndsWhenStalled, H11Protocol):
    """A connection that speaks HTTP until it becomes a WebSocket."""

    request_seconds = REQUEST_SECONDS

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_bytes()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is not self or self._is_answering():
            self._expect_no_bytes()
        elif self._late is None or self.conn.their_state is not h11.IDLE:
            self._expect_no_bytes()
            self._expect_bytes()  # a head that comes letter by letter gets no more time with each of them

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_no_bytes()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuses what cannot be read. Who is still answering the readable part of it hears that the client has gone:
        h11 takes no second response, and uvicorn would log that as a bug.
        """
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:  # the response has begun
            self.transport.close()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        if event.method == b"GET":
            super().handle_websocket_upgrade(event)
            protocol = self.transport.get_protocol()
            if isinstance(protocol, WebSocketsSansIOProtocol) and protocol.handshake_initiated:
                return
        self.transport.write(_BAD_HANDSHAKE)
        self.transport.close()

    def _is_answering(self) -> bool:
        """Whether the request has come as a whole, and its response has not gone: then nothing needs to come."""
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def _expect_bytes(self) -> None:
        self._late = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _expect_no_bytes(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class WebSocketConnection(EndsWhenStalled, WebSocketsSansIOProtocol):
    """A connection after its handshake."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][ABORT] = {"now": self.transport.abort}

    def shutdown(self) -> None:
        """Says goodbye, unless the client is just saying it: a second close is none (RFC 6455, 5.5.1), and websockets
        refuses to send it.
        """
        if self.handshake_complete and self.conn.state is not State.OPEN:
            self.close_sent = True
        super().shutdown()

    def handle_parser_exception(self) -> None:
        """Sends the reason, and reads on for a while: to close at once would reset the connection of a client that is
        still sending, and the reason would be lost on the way.
        """
        if self.close_sent:
            return
        reason = self.conn.close_sent
        assert reason is not None, "what cannot be read closes"
        self.queue.put_nowait({"type": "websocket.disconnect", "code": reason.code, "reason": reason.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
