"""Plain HTTP requests of any kind, and bytes that are no HTTP at all."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Sequence
from email.message import Message

HANDSHAKE = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


def ask(
    server, method: str, path: str, body: bytes | None = None, port: int | None = None, **headers: str
) -> tuple[int, Message, bytes]:
    """Status, headers and body; underscores in the names of headers are dashes."""
    connection = http.client.HTTPConnection("127.0.0.1", port or server.settings.websocket_port, timeout=60)
    try:
        named = {name.replace("_", "-"): given for name, given in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def raw(server, *lines: str, body: bytes = b"", timeout: float = 60.0) -> bytes:
    """Everything that comes back for these bytes, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.settings.websocket_port), timeout=timeout) as sock:
        sock.sendall(head(lines) + body)
        found = bytearray()
        while data := sock.recv(65536):
            found += data
        return bytes(found)


def head(lines: Sequence[str]) -> bytes:
    """The lines of a request's head; Host goes without saying."""
    return "\r\n".join((lines[0], "Host: 127.0.0.1", *lines[1:], "", "")).encode()
