"""OSC over UDP: datagrams in, replies out.

The receive callback only queues; one task serves messages in the order they came, so that `/bridge/select` counts
before the `/bridge/repaint` behind it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from bridge_server.endpoints.access import is_token, needs_token, token_missing
from bridge_server.endpoints.loop_share import LoopShare
from bridge_server.endpoints.osc_inbox import Address, OscInbox
from bridge_server.endpoints.osc_packets import (
    commands_in,
    encode,
    id_in,
    reply_port_in,
    request_in,
    tokens_in,
)
from bridge_server.endpoints.refusal_log import RefusalLog
from bridge_server.guesses import Guesses
from bridge_server.handlers.dispatcher import SLOW, Dispatcher
from bridge_server.handlers.response import Response, refused
from bridge_server.languages.wording import reply_in
from bridge_server.sessions.client import PORT_MARK, Client
from bridge_server.settings import Settings
from bridge_server.supervisor import Supervisor
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import OscArgument, fitting
from daw_protocol.osc_packet import OscMessage
from daw_protocol.replies import Failed, Reply
from daw_protocol.requests import Request

log = logging.getLogger(__name__)

# Requests that take a while are answered in the background; so many of them at once.
MAX_SLOW = 64


class OscClient:
    """The sender of a datagram. Two are equal when their replies go to the same address."""

    door = "osc"

    def __init__(self, endpoint: OscEndpoint, address: Address, name: str = "") -> None:
        self._endpoint = endpoint
        self.address = address
        self._name = name

    @property
    def key(self) -> str:
        # By machine, not by port: messages typed one after the other come from a new port each time.
        return f"osc:{self.address[0]}" + (f":{self._name}" if self._name else "")

    @property
    def sender(self) -> str:
        # Where it listens: a program that sends from a new port each time names its reply_port.
        return self.key if self._name else f"{self.key}{PORT_MARK}{self.address[1]}"

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
        self._inbox = OscInbox()
        self._refusals = RefusalLog()
        self._guesses = Guesses()
        self._transport: asyncio.DatagramTransport | None = None
        self._slow = 0

    @property
    def dropped(self) -> int:
        """Datagrams that found no room."""
        return self._inbox.dropped

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not an assertion: asyncio's own datagram transport does not derive from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._inbox.put(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        # An earlier reply met a closed port: its client has gone, which is its own affair.
        log.debug("OSC: %s", exc)

    async def run(self) -> None:
        """Serves messages until cancelled."""
        share = LoopShare()
        while True:
            data, address = await self._inbox.get()
            await self._serve_packet(data, address, share)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def client(self, reply_to: str) -> Client:
        """The client a job was accepted from, by the address it was kept under."""
        host, _, port = reply_to.rpartition(":")
        return OscClient(self, (host, int(port)))

    def send(self, reply: Reply, address: Address) -> None:
        self._send_bytes(encode(*fitting(reply_in(reply, self._settings.spoken))), address)

    def _send_bytes(self, data: bytes, address: Address) -> None:
        assert self._transport is not None, "bound before"
        if not self._transport.is_closing():
            self._transport.sendto(data, address)

    async def _serve_packet(self, data: bytes, address: Address, share: LoopShare) -> None:
        guarded = needs_token(self._settings, address[0])
        try:
            messages = commands_in(data)
        except ProtocolError as error:
            self._print(address, error)
            if not guarded:
                _send_all(refused(error), OscClient(self, address))
            return
        # Anybody can send a datagram in another's name: what they get back is never more than they sent.
        answerable = len(data)
        for message in messages:
            await share.give_way()
            if guarded and not self._is_admitted(message, address[0]):
                answerable -= self._turn_away(message, address, answerable)
            else:
                await self._serve_message(message, address)
        await share.give_way()

    def _is_admitted(self, message: OscMessage, peer: str) -> bool:
        """Whether the message has the token; an address that has tried too many is not answered that for a while."""
        for given in tokens_in(message):
            if self._guesses.wait(peer):
                return False
            if is_token(self._settings, given):
                return True
            self._guesses.wrong(peer)
        return False

    def _turn_away(self, message: OscMessage, address: Address, answerable: int) -> int:
        """Answers a message without the token in at most `answerable` bytes, or not at all; returns the bytes sent."""
        error = token_missing()
        self._print(address, error)
        whole = reply_in(Failed.from_error(error, request_id=id_in(message)), self._settings.spoken)
        for reply in (fitting(whole), fitting(whole.evolve(remedy="")), brief(whole)):
            data = encode(*reply)
            if len(data) <= answerable:
                self._send_bytes(data, address)
                return len(data)
        return 0

    async def _serve_message(self, message: OscMessage, address: Address) -> None:
        try:
            request = request_in(message)
            if type(request) in SLOW and self._slow >= MAX_SLOW:
                raise _too_many()
        except ProtocolError as error:
            self._refuse(message, address, error)
            return
        client = OscClient(self, (address[0], request.reply_port or address[1]), request.client)
        request = request.evolve(token="")  # which no record must keep
        if type(request) in SLOW:
            self._slow += 1
            self._supervisor.spawn("OSC request", self._respond_slowly(request, client))
        else:
            await self._respond(request, client)

    async def _respond_slowly(self, request: Request, client: OscClient) -> None:
        try:
            await self._respond(request, client)
        finally:
            self._slow -= 1

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
        port = reply_port_in(message)
        if port is not None and port != address[1]:
            _send_all(response, OscClient(self, (address[0], port)))

    def _print(self, address: Address, error: ProtocolError) -> None:
        self._refusals.write(f"{address[0]}:{address[1]}", error)


def brief(reply: Failed) -> tuple[str, list[OscArgument]]:
    """The shortest form of a refusal: its code and field, without words."""
    address, _ = fitting(reply)
    return address, [reply.id, "code", reply.code, "field", reply.field]


def _too_many() -> ProtocolError:
    return ProtocolError(
        ErrorCode.QUEUE_FULL,
        f"{MAX_SLOW} requests that take a while are being answered already.",
        "Wait for their answers before you send more.",
    )


def _send_all(response: Response, client: OscClient) -> None:
    for reply in response.replies:
        client.send(reply)
