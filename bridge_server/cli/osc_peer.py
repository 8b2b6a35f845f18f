"""A plain UDP socket that speaks OSC, as any DAW-side script has one: what `demo` and `send` talk to a server with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge_server.endpoints.osc_packets import encode
from daw_protocol.addresses import PREFIX
from daw_protocol.errors import ProtocolError
from daw_protocol.osc_form import OscArgument
from daw_protocol.osc_packet import messages_in

LARGEST_DATAGRAM = 65_536  # bytes
THIS_MACHINE = "127.0.0.1"


@dataclass(frozen=True)
class OscReply:
    """One reply. name: its address without /bridge/; values: by name, the request's id among them as `id`."""

    name: str
    values: dict[str, Any]

    @property
    def address(self) -> str:
        return f"{PREFIX}/{self.name}"


class OscPeer:
    """A socket of its own port, so that every reply to it is about what was sent from it.

    Opening one raises OSError when there is no way to that host.
    """

    def __init__(self, port: int, host: str = THIS_MACHINE) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        # IPv4 first: `localhost` may be ::1 as well, where no server listens.
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def send(self, address: str, arguments: Sequence[OscArgument]) -> None:
        """Sends one message, its numbers and texts typed as they are. Raises OSError."""
        self.send_packet(encode(address, list(arguments)))

    def send_packet(self, packet: bytes) -> None:
        """Raises OSError: on this machine, when nothing listens at the port."""
        self._socket.send(packet)

    async def receive(self, seconds: float | None = None) -> OscReply:
        """The next reply. Raises TimeoutError when none comes in time, and OSError when nothing listens there."""
        loop = asyncio.get_running_loop()
        while True:
            # Not `wait_for`: in Python 3.11 that loses a cancelling that comes with a datagram, and Ctrl-C with it.
            async with asyncio.timeout(seconds):
                data = await loop.sock_recv(self._socket, LARGEST_DATAGRAM)
            try:
                (message,) = messages_in(data)
            except (ProtocolError, ValueError):
                continue  # not of a bridge: whatever it is, it answers nothing
            values = message.values
            pairs = zip(values[1::2], values[2::2], strict=False)
            named = {str(name): given for name, given in pairs}
            return OscReply(
                message.address.removeprefix(f"{PREFIX}/"), {"id": "".join(map(str, values[:1])), **named}
            )

    def close(self) -> None:
        self._socket.close()
