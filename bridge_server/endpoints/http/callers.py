"""Which programs and pages may call the server by HTTP or WebSocket: Host, Origin and token."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.types import Scope

from bridge_server.endpoints.access import is_own, is_token
from bridge_server.endpoints.http import panel_files
from bridge_server.endpoints.http.panel_files import HELLO
from bridge_server.loopback import is_loopback
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError

HEALTH = "/healthz"


def check_caller(settings: Settings, path: str, headers: Mapping[str, str], peer: str = "") -> None:
    """Raises ProtocolError for callers that a local server must refuse.

    Origin: DAW scripts send none, browsers always do; only our own pages may call. Sec-Fetch-Site: browsers send no
    Origin when a page embeds our files as an image, a script or a sound, but say so here. Host: a page that made its
    own name point to 127.0.0.1 (DNS rebinding) gives itself away by the name. Token: needed unless only this machine
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
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"Pages from {origin!r} may not use this server.",
            "Open the server's own panel: `takebridge panel`.",
        )
    if is_embedded(headers):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "Other pages may not embed this server's files.",
            "Download the file from the server's own panel: `takebridge panel`.",
        )
    if not is_open(path, headers) and not admitted(settings, path, headers, peer):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "The token is missing or wrong.",
            "Add ?token=... to the address, as the server printed it.",
        )


def is_embedded(headers: Mapping[str, str]) -> bool:
    """Whether another site's page fetches this as a part of itself, a frame included; a link to the panel, which the
    browser opens as a page of its own, is no such thing.
    """
    foreign = headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site")
    is_page = headers.get("Sec-Fetch-Dest", "document") == "document"
    return foreign and not (is_page and headers.get("Sec-Fetch-Mode", "") == "navigate")


def is_open(path: str, headers: Mapping[str, str]) -> bool:
    """Whether a request is for something public: a part of the panel itself, which reveals nothing (the page asks for
    a missing token), or whether the server is ready.
    """
    if is_upgrade(headers):
        return False
    split = urlsplit(path)
    bare = set(parse_qs(split.query, keep_blank_values=True)) <= {"token"}  # a wrong one: the page asks again
    page = split.path == "/" and bare and "text/html" in headers.get("Accept", "")
    return page or split.path in (HELLO, HEALTH) or split.path.startswith(panel_files.PREFIX)


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a request wants to become a WebSocket."""
    return "upgrade" in headers.get("Connection", "").lower()


def admitted(settings: Settings, path: str, headers: Mapping[str, str], peer: str) -> bool:
    """Whether the caller has the token or needs none."""
    return is_trusted(settings, headers, peer) or is_token(settings, token_in(path, headers))


def is_trusted(settings: Settings, headers: Mapping[str, str], peer: str) -> bool:
    """Whether the caller needs no token. Raises ValueError for a host that is no name."""
    return not settings.token or (is_own(settings, peer) and host_name(headers) in LOCAL_NAMES)


def token_in(path: str, headers: Mapping[str, str]) -> str:
    """The token a caller gives, "" for none."""
    given = parse_qs(urlsplit(path).query).get("token", [""])[0]
    return given or headers.get("Authorization", "").removeprefix("Bearer ")


def target_of(scope: Scope) -> str:
    """Path and query as the caller sent them."""
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def host_name(headers: Mapping[str, str]) -> str | None:
    """The name the caller knows this server by. Raises ValueError for one that is no name."""
    return urlsplit(f"//{headers.get('Host', '')}").hostname


LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
