"""Token rules: programs on this machine are trusted, everyone else needs the token."""

from __future__ import annotations

import hmac

from bridge_server.settings import Settings, is_loopback
from daw_protocol.errors import ErrorCode, ProtocolError


def check_osc_caller(settings: Settings, token: str, peer: str) -> None:
    """Raises ProtocolError for an OSC message without the token the server wants. peer: the sender's address."""
    if settings.token and not is_own(settings, peer) and not is_token(settings, token):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "The token is missing or wrong.",
            "Add `token` and the server's token to every message.",
            "token",
        )


def is_token(settings: Settings, given: str) -> bool:
    """Whether this is the token, in constant time."""
    return hmac.compare_digest(given.encode(), settings.token.encode())


def is_own(settings: Settings, peer: str) -> bool:
    """Whether the peer is a program on this machine and the server trusts those."""
    return settings.trust_this_machine and is_loopback(peer.removeprefix("::ffff:"))
