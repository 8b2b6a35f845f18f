"""OSC packets as binary WebSocket frames, as in OSCQuery: messages from a client, and updates it listens to.

An OSCQuery surface then needs no UDP port, and works where only HTTP gets through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge_server.endpoints.loop_share import LoopShare
from bridge_server.endpoints.osc_packets import commands_in, encode, id_in, request_in
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.languages.wording import reply_in
from daw_protocol.errors import ProtocolError
from daw_protocol.osc_form import OscArgument, fitting
from daw_protocol.replies import Failed, Reply


class Frames(Protocol):
    """The connection that packets go out by."""

    @property
    def key(self) -> str: ...

    @property
    def language(self) -> str: ...

    def put(self, frame: str | bytes) -> None: ...


class OscFrames:
    """One connection as a client that is answered in OSC. Two are equal when they answer to the same connection."""

    reply_to = ""  # a connection is gone with the server

    def __init__(self, connection: Frames) -> None:
        self.connection = connection

    @property
    def key(self) -> str:
        return self.connection.key

    @property
    def sender(self) -> str:
        return self.connection.key

    @property
    def door(self) -> str:
        return "osc over websocket"

    def send(self, reply: Reply) -> None:
        self.packet(*fitting(reply_in(reply, self.connection.language)))

    def packet(self, address: str, arguments: Sequence[OscArgument]) -> None:
        self.connection.put(encode(address, arguments))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OscFrames) and other.connection is self.connection

    def __hash__(self) -> int:
        return id(self.connection)


class Listener(OscFrames):
    """The same connection, subscribed to some addresses; as a watcher, to every job."""

    def __init__(self, connection: Frames) -> None:
        super().__init__(connection)
        self.addresses: set[str] = set()

    def send(self, reply: Reply) -> None:
        self.publish(*fitting(reply_in(reply, self.connection.language)))

    def publish(self, address: str, arguments: Sequence[OscArgument]) -> None:
        if address in self.addresses:
            self.packet(address, arguments)


def is_packet(frame: bytes) -> bool:
    """Whether a binary frame looks like OSC: a message begins with its address, a bundle with its name."""
    return frame.startswith((b"/", b"#bundle\x00"))


async def serve_packet(dispatcher: Dispatcher, packet: bytes, client: OscFrames) -> None:
    """Carries out the messages of one packet; errors become replies. The connection has been authenticated: a token in
    the messages is ignored."""
    try:
        messages = commands_in(packet)
    except ProtocolError as error:
        client.send(Failed.from_error(error))
        return
    share = LoopShare()
    for message in messages:
        await share.give_way()
        try:
            request = request_in(message)
        except ProtocolError as error:
            client.send(Failed.from_error(error, request_id=id_in(message)))
            continue
        request = request.evolve(token="", client="", reply_port=None)
        for reply in (await dispatcher.respond(request, client)).replies:
            client.send(reply)
