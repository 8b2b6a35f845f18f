"""An OSCQuery client, written from the proposal's text: COMMANDs and OSC packets on a WebSocket, and plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pythonosc.osc_message import OscMessage

from tests.bridge_server.peers import PATIENCE, ServerThread, WebSocketPeer, datagram

Packet = tuple[str, list[Any]]


class QueryClient:
    """A WebSocket of an OSCQuery client: COMMANDs as text out, OSC packets as binary both ways."""

    def __init__(self, peer: WebSocketPeer) -> None:
        self.peer = peer

    def command(self, command: str, data: object) -> None:
        self.peer.connection.send(json.dumps({"COMMAND": command, "DATA": data}))

    def send(self, address: str, *arguments: object) -> None:
        self.peer.connection.send(datagram(address, *arguments))

    def packet(self) -> Packet:
        """The next packet: address and arguments."""
        frame = self.peer.binary.pop(0) if self.peer.binary else self.peer.connection.recv(timeout=PATIENCE)
        assert isinstance(frame, bytes), frame
        message = OscMessage(frame)
        return message.address, list(message.params)

    def settled(self) -> list[Packet]:
        """Everything that has come until a question sent now is answered."""
        self.peer.call("status")
        packets = [OscMessage(frame) for frame in self.peer.binary]
        self.peer.binary.clear()
        return [(message.address, list(message.params)) for message in packets]


@contextmanager
def query_client(server: ServerThread) -> Iterator[QueryClient]:
    with server.websocket() as peer:
        yield QueryClient(peer)


def get(server: ServerThread, path: str) -> tuple[int, Any]:
    """Status, and the JSON of a success or the plain body of anything else."""
    status, headers, body = server.get(path)
    if status == 200:
        assert headers["Content-Type"] == "application/json"
        return status, json.loads(body)
    return status, body


def send_context(server: ServerThread, address: str, *arguments: Any) -> None:
    """A context message by UDP, carried out when this returns."""
    with server.osc() as osc:
        assert osc.ask(address, *arguments).name == "ok"
