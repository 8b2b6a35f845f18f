"""OSC over UDP: datagrams in, replies out.

The receive callback only queues; one task serves messages in the order they came, so that `/bridge/select` counts
before the `/bridge/repaint` behind it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any, cast

from pythonosc.osc_message import OscMessage

from bridge_server.endpoints.access import check_osc_caller
from bridge_server.endpoints.osc_packets import commands_in, encode, id_in, reply_port_in, request_in
from bridge_server.handlers.dispatcher import SLOW, Dispatcher
from bridge_server.handlers.response import Response, refused
from bridge_server.sessions.client import Client
from bridge_server.settings import Settings
from bridge_server.supervisor import Supervisor
from daw_protocol.errors import ProtocolError
from daw_protocol.osc_form import fitting
from daw_protocol.replies import Reply
from daw_protocol.requests import Request

log = logging.getLogger(__name__)

# Datagrams waiting to be served. UDP may lose anything anyway; a flood is dropped here, where it costs nothing.
INBOX = 1024
# Refused messages printed in the server's window; a flood of them must not bury everything else.
PRINTED_PER_SECOND = 5

Address = tuple[str, int]


class OscClient:
    """The sender of a datagram. Two are equal when their replies go to the same address."""

    def __init__(self, endpoint: OscEndpoint, address: Address, name: str = "") -> None:
        self._endpoint = endpoint
        self.address = address
        self._name = name

    @property
    def key(self) -> str:
        # By machine, not by port: messages typed one after the other come from a new port each time.
        return f"osc:{self.address[0]}" + (f":{self._name}" if self._name else "")

    @property
    def reply_to(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    def send(self, reply: Reply) -> None:
        self._endpoint.send(reply, self.address)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OscClient) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)


class OscEndpoint(asyncio.DatagramProtocol):
    """The server's UDP socket."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher, supervisor: Supervisor) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._inbox: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(INBOX)
        self._transport: asyncio.DatagramTransport | None = None
        self._printed: tuple[int, int] = (0, 0)  # second, lines printed in it
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
                log.warning("OSC messages come faster than they can be served; %d dropped", self.dropped)

    def error_received(self, exc: Exception) -> None:
        # An earlier reply met a closed port: its client has gone, which is its own affair.
        log.debug("OSC: %s", exc)

    async def run(self) -> None:
        """Serves messages until cancelled."""
        while True:
            data, address = await self._inbox.get()
            await self._serve_packet(data, address)

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

    async def _serve_packet(self, data: bytes, address: Address) -> None:
        try:
            messages = commands_in(data)
        except ProtocolError as error:
            self._print(address, error)
            _send_all(refused(error), OscClient(self, address))
            return
        for message in messages:
            await self._serve_message(message, address)

    async def _serve_message(self, message: OscMessage, address: Address) -> None:
        try:
            request = request_in(message)
            check_osc_caller(self._settings, request.token, address[0])
        except ProtocolError as error:
            self._refuse(message, address, error)
            return
        client = OscClient(self, (address[0], request.reply_port or address[1]), request.client)
        request = replace(request, token="")  # which no record must keep
        if type(request) in SLOW:
            self._supervisor.spawn(message.address, self._respond(request, client))
        else:
            await self._respond(request, client)

    async def _respond(self, request: Request, client: OscClient) -> None:
        response = await self._dispatcher.respond(request, client)
        if response.error is not None:
            self._print(client.address, response.error)
        _send_all(response, client)

    def _refuse(self, message: OscMessage, address: Address, error: ProtocolError) -> None:
        """Answers a message that cannot be read: to its sender, and to the reply_port it seems to name."""
        self._print(address, error)
        response = refused(error, id_in(message))
        _send_all(response, OscClient(self, address))
        port = reply_port_in(message.params)
        if port is not None and port != address[1]:
            _send_all(response, OscClient(self, (address[0], port)))

    def _print(self, address: Address, error: ProtocolError) -> None:
        """One line in the server's window: a message typed by hand often has no listener for replies."""
        second, printed = self._printed
        now = int(time.monotonic())
        self._printed = (now, printed + 1 if now == second else 1)
        if self._printed[1] <= PRINTED_PER_SECOND:
            log.warning("OSC from %s:%d: %s", *address, error)


def _send_all(response: Response, client: OscClient) -> None:
    for reply in response.replies:
        client.send(reply)
