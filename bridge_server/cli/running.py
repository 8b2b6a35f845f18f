"""The server that runs on a store, for commands that need one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge_server.server import look_for_server
from daw_protocol.errors import ErrorCode, ProtocolError


@dataclass(frozen=True)
class ServerAddress:
    """Where a server answers, and the token it wants; "" for none. open: other machines may reach it."""

    host: str
    osc_port: int
    websocket_port: int
    token: str = ""
    open: bool = False


def server_on(store: Path) -> ServerAddress:
    """Raises ProtocolError when no server runs on the store, and PermissionError when it is another user's."""
    found = look_for_server(store)
    if found is None:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"No server runs on the store {store}.",
            "Start one with `takebridge serve`.",
        )
    return ServerAddress(
        host=str(found["host"]),
        osc_port=int(str(found["osc_port"])),
        websocket_port=int(str(found["websocket_port"])),
        token=str(found["token"]),
        open=bool(found["open"]),
    )
