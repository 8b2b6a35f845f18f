"""OSC over UDP: datagrams in, replies out. python-osc builds and parses the packets.

The receive callback only queues; one task answers messages in the order they came, so that `/bridge/select` is heard
before the `/bridge/repaint` behind it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any, cast

from pythonosc.osc_message import OscMessage

from bridge_server.endpoints.access import is_own, is_token
from bridge_server.endpoints.osc_packets import decode, encode, id_in
from bridge_server.handlers.dispatcher import SLOW, Dispatcher
from bridge_server.handlers.response import our_fault
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Listeners
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import REPLY_ADDRESSES, fitting, request_from_osc
from daw_protocol.replies import Failed, Reply
from daw_protocol.requests import Request

log = logging.getLogger(__name__)

# Datagrams waiting to be answered. UDP may lose anything anyway; a flood is dropped here, where it costs nothing.
INBOX = 1024

Address = tuple[str, int]


class OscClient:
    """Somebody who sent a datagram. Two are equal when they get the same replies."""

    def __init__(self, endpoint: OscEndpoint, address: Address, name: str = "") -> None:
        self._endpoint = endpoint
        self._address = address
        self._name = name

    @property
    def key(self) -> str:
        # By machine, not by port: messages typed one after the other come from a new port each time.
        return f"osc:{self._address[0]}" + (f":{self._name}" if self._name else "")

    @property
    def reply_to(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"

    def send(self, reply: Reply) -> None:
        self._endpoint.send(reply, self._address)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OscClient) and other._address == self._address

    def __hash__(self) -> int:
        return hash(self._address)


class OscEndpoint(asyncio.DatagramProtocol):
    """The server's UDP socket."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher, listeners: Listeners) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._listeners = listeners
        self._inbox: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(INBOX)
        self._transport: asyncio.DatagramTransport | None = None
        self._slow: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not an assertion: asyncio's own datagram transport does not derive from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            self._inbox.put_nowait((data, addr[:2]))
        except asyncio.QueueFull:
            self.dropped += 1
            if self.dropped % INBOX == 1:
                log.warning("OSC messages come faster than they can be answered; %d dropped", self.dropped)

    def error_received(self, exc: Exception) -> None:
        # An earlier reply met a closed port: its client has gone, which is its own affair.
        log.debug("OSC: %s", exc)

    async def run(self) -> None:
        """Answers messages until cancelled."""
        try:
            while True:
                data, address = await self._inbox.get()
                await self._answer_packet(data, address)
        finally:
            for task in self._slow:
                task.cancel()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def client(self, reply_to: str) -> Client:
        """The client a job was accepted from, by the address it was kept under."""
        host, _, port = reply_to.rpartition(":")
        return OscClient(self, (host, int(port)))

    def send(self, reply: Reply, address: Address) -> None:
        path, arguments = fitting(reply)
        assert self._transport is not None, "bound before"
        if not self._transport.is_closing():
            self._transport.sendto(encode(path, arguments), address)

    async def _answer_packet(self, data: bytes, address: Address) -> None:
        client = OscClient(self, address)
        try:
            messages = list(decode(data))
        except ProtocolError as error:
            client.send(Failed.from_error(error))
            return
        for message in messages:
            # A reply that comes back (reply_port set to our own port, two bridges, an echo service) is never
            # answered: each answer would bring the next one.
            if message.address not in REPLY_ADDRESSES:
                await self._answer_message(message, client, address)

    async def _answer_message(self, message: OscMessage, client: OscClient, address: Address) -> None:
        request_id = ""
        try:
            _, request = request_from_osc(message.address, message.params)
            request_id = request.id
            if request.reply_port is not None or request.client:
                client = OscClient(self, (address[0], request.reply_port or address[1]), request.client)
            request = self._admitted(request, address[0])
            if isinstance(request, SLOW):
                task = asyncio.create_task(self._answer_request(request, client))
                self._slow.add(task)
                task.add_done_callback(self._slow.discard)
            else:
                await self._answer_request(request, client)
        except ProtocolError as error:
            client.send(Failed.from_error(error, request_id=request_id or id_in(message)))
        except Exception:  # a bug must not end the server
            log.exception("OSC message %s met a bug", message.address)
            client.send(Failed.from_error(our_fault(), request_id=request_id))

    def _admitted(self, request: Request, peer: str) -> Request:
        """The request without its token, which no record must keep. Raises ProtocolError when that is not ours."""
        settings = self._settings
        if settings.token and not is_own(settings, peer) and not is_token(settings, request.token):
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                "The token is missing or wrong.",
                "Add `token` and the one the server was started with to every message.",
                "token",
            )
        return replace(request, token="") if request.token else request

    async def _answer_request(self, request: Request, client: OscClient) -> None:
        try:
            answer = await self._dispatcher.answer(request, client)
        except ProtocolError as error:
            client.send(Failed.from_error(error, request_id=request.id))
            return
        except Exception:  # a bug in what is answered beside the queue would be heard of by nobody
            log.exception("%s met a bug", type(request).__name__)
            client.send(Failed.from_error(our_fault(), request_id=request.id))
            return
        for reply in answer.replies:
            client.send(reply)
