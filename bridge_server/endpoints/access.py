"""Who may talk to the server: this machine's programs and our own pages, or whoever has the token."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers

from bridge_server.endpoints.http import panel_files
from bridge_server.endpoints.http.panel_files import HELLO
from bridge_server.settings import Settings, is_loopback
from daw_protocol.errors import ErrorCode, ProtocolError


def check_caller(settings: Settings, path: str, headers: Headers, peer: str = "") -> None:
    """Raises ProtocolError for callers a local server must not answer.

    Origin: DAW scripts send none, browsers always do; only our own pages may call. Host: a page that made its own
    name point to 127.0.0.1 (DNS rebinding) gives itself away by the name. Token: needed unless only this machine
    can reach the port. peer: the address the caller comes from.
    """
    host = headers.get("Host", "")
    if is_loopback(settings.host) and host_name(headers) not in LOCAL_NAMES:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"Host {host!r} is not this server.",
            f"Use 127.0.0.1:{settings.websocket_port}.",
        )
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise ProtocolError(ErrorCode.NOT_ALLOWED, f"Pages of {origin!r} may not talk to this server.", "")
    if not is_open(path, headers) and not admitted(settings, path, headers, peer):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "The token is missing or wrong.",
            "Add ?token=... as the server printed it.",
        )


def is_open(path: str, headers: Headers) -> bool:
    """Whether a request is for a part of the panel itself, which is the same for everybody and tells nothing; the
    page asks for the token where it has none.
    """
    if is_upgrade(headers):
        return False
    split = urlsplit(path)
    bare = set(parse_qs(split.query, keep_blank_values=True)) <= {"token"}  # a wrong one: the page asks again
    page = split.path == "/" and bare and "text/html" in headers.get("Accept", "")
    return page or split.path == HELLO or split.path.startswith(panel_files.PREFIX)


def is_upgrade(headers: Headers) -> bool:
    """Whether a request wants to become a WebSocket."""
    return "upgrade" in headers.get("Connection", "").lower()


def admitted(settings: Settings, path: str, headers: Headers, peer: str) -> bool:
    """Whether a caller knows the token, or needs none."""
    if not settings.token or (is_own(settings, peer) and host_name(headers) in LOCAL_NAMES):
        return True
    given = parse_qs(urlsplit(path).query).get("token", [""])[0]
    return is_token(settings, given or headers.get("Authorization", "").removeprefix("Bearer "))


def check_osc_caller(settings: Settings, token: str, peer: str) -> None:
    """Raises ProtocolError for an OSC message without the token the server wants. peer: the sender's address."""
    if settings.token and not is_own(settings, peer) and not is_token(settings, token):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "The token is missing or wrong.",
            "Add `token` and the one the server was started with to every message.",
            "token",
        )


def is_token(settings: Settings, given: str) -> bool:
    """Whether this is the token; takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(given.encode(), settings.token.encode())


def is_own(settings: Settings, peer: str) -> bool:
    """Whether a caller at this address is a program of this machine on a server that trusts those."""
    return settings.trust_this_machine and is_loopback(peer.removeprefix("::ffff:"))


def host_name(headers: Headers) -> str | None:
    """The name the caller knows this server by. Raises ValueError for one that is no name."""
    return urlsplit(f"//{headers.get('Host', '')}").hostname


LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
