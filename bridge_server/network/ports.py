"""The two ports a server answers on, bound before anything else is started."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError


@dataclass(frozen=True)
class Ports:
    """Both sockets, bound; settings: with the ports they got."""

    udp: socket.socket
    tcp: socket.socket
    settings: Settings


@contextlib.contextmanager
def bound_ports(settings: Settings) -> Iterator[Ports]:
    """Binds both ports before anything is started. Raises ProtocolError when one is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as udp,
        # With its protocol named, asyncio sends small frames at once (TCP_NODELAY) instead of 40 ms later.
        socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as tcp,
    ):
        if os.name == "posix":
            # A server that has just stopped leaves its port in TIME_WAIT; on Windows the option means something else.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock, port, option in (
            (udp, settings.osc_port, "--osc-port"),
            (tcp, settings.websocket_port, "--port"),
        ):
            try:
                sock.bind((settings.host, port))
            except (OSError, OverflowError) as error:
                raise _taken(settings.host, port, option, error) from error
            sock.setblocking(False)
        bound = replace(settings, osc_port=udp.getsockname()[1], websocket_port=tcp.getsockname()[1])
        yield Ports(udp, tcp, bound)


def _taken(host: str, port: int, option: str, error: Exception) -> ProtocolError:
    reason = getattr(error, "strerror", None) or error
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        f"Port {port} of {host} cannot be used: {reason}.",
        f"Another program may be using it. Choose another with {option}; `takebridge doctor` shows more.",
    )
