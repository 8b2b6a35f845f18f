"""Token rules: programs on this machine are trusted, everyone else needs the token."""

from __future__ import annotations

import hmac

from bridge_server.loopback import is_loopback
from bridge_server.settings import Settings
from daw_protocol.errors import ErrorCode, ProtocolError


def needs_token(settings: Settings, peer: str) -> bool:
    """Whether every OSC message from this address must carry the token."""
    return bool(settings.token) and not is_own(settings, peer)


def token_missing() -> ProtocolError:
    """What the sender of an OSC message without the token gets."""
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        "The token is missing or wrong.",
        "Add `token` and the server's token to every message.",
        "token",
    )


def is_token(settings: Settings, given: str) -> bool:
    """Whether this is the token, in constant time."""
    return hmac.compare_digest(given.encode(errors="surrogatepass"), settings.token.encode())


def is_own(settings: Settings, peer: str) -> bool:
    """Whether the peer is a program on this machine and the server trusts those."""
    return settings.trust_this_machine and is_loopback(peer.removeprefix("::ffff:"))
