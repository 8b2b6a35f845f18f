"""Where another program's server is, as a start option gives it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

EXAMPLE = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class ServerAddress:
    """url: its scheme in lower case, without a slash at its end. host: with its port, as recipes name it; it says
    nothing secret."""

    url: str
    host: str
    loopback: bool


def read_address(text: str) -> ServerAddress:
    """A server's address. Raises ValueError with what would be right."""
    given = text.strip().rstrip("/")
    parts = urlsplit(given)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"address has no usable port, got {text!r}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"address must look like {EXAMPLE}, got {text!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("address must not hold a name or a password: use the option token")
    if parts.query or parts.fragment:
        raise ValueError(f"address must end with its port or path, got {text!r}")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host = name if port is None else f"{name}:{port}"
    return ServerAddress(parts.geturl(), host, _is_loopback(parts.hostname))


def refuse_open_token(address: ServerAddress, token: str) -> None:
    """Raises ValueError where a token would go over a network for everybody on it to read."""
    if token and not address.loopback and not address.url.startswith("https:"):
        raise ValueError(
            f"token is only sent over https or on this machine, and the address is {address.url}"
        )


def refuse_unsendable_token(token: str) -> None:
    """Raises ValueError for a token that no header can carry."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(
            "token may only hold letters without accents, digits and signs, and no spaces or line breaks"
        )


def listens(address: ServerAddress, seconds: float) -> bool:
    """Whether anything listens there; known without the library that asks it."""
    parts = urlsplit(address.url)
    try:
        with socket.create_connection((parts.hostname, parts.port), seconds):
            return True
    except OSError:
        return False


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"
