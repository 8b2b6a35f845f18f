"""Letting a tablet in: this machine's address in the local network, a token that stays the same, a code to scan."""

from __future__ import annotations

import io
import secrets
import socket
from pathlib import Path
from urllib.parse import quote

from bridge_server.platforms import write_private
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError

ANYWHERE = "0.0.0.0"
TOKEN_FILE = "token.txt"
# An address of a private network: nothing is sent there; the system only reports the route.
FAR_AWAY = ("10.255.255.255", 1)


def address_of_this_machine() -> str | None:
    """The address other machines of the network reach this one by; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(FAR_AWAY)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address == ANYWHERE else address


def kept_token(store: Path) -> str:
    """The store's own token, created once, so that a tablet's bookmark keeps working.

    Raises ProtocolError when it cannot be kept.
    """
    path = store / TOKEN_FILE
    try:
        if found := path.read_text(encoding="ascii").strip():
            return found
    except (OSError, UnicodeDecodeError):
        pass  # none yet, or spoilt: a new one
    token = secrets.token_urlsafe(12)
    try:
        store.mkdir(parents=True, exist_ok=True)
        write_private(path, token + "\n")
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The token could not be saved in {store}: {error.strerror}.",
            "Set one with --token-file, or choose another folder with --store.",
        ) from error
    return token


def own_host(settings: Settings) -> str:
    """The address programs of this machine reach the server by; "anywhere" is no address to call on Windows."""
    return {ANYWHERE: "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)


def panel_address(settings: Settings, host: str | None = None) -> str:
    """Where a browser finds the panel; the token is in it where a browser needs one."""
    reached = host or own_host(settings)
    shown = f"[{reached}]" if ":" in reached else reached
    own = settings.trust_this_machine and host is None
    query = "" if own else token_query(settings.token)
    return f"http://{shown}:{settings.websocket_port}/{query}"


def token_query(token: str) -> str:
    """The end of an address that has the token in it; "" for none."""
    return f"?token={quote(token, safe='')}" if token else ""


def code_to_scan(address: str) -> str:
    """The address as a QR code made of block characters, dark on light as cameras like it."""
    out = io.StringIO()
    import segno  # a server that prints no code need not wait for it

    segno.make(address, error="m").terminal(out, compact=True)
    return out.getvalue()
