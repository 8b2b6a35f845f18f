"""What a bridge needs to reach a render host, in one line: wss://box:9135#TOKEN.FINGERPRINT.

The fingerprint is that of the host's own certificate, so that the connection is private and leads to that machine
only. It is checked before the token is sent. Without encryption, on one machine or through a tunnel: ws://HOST#TOKEN.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bridge_server.loopback import is_loopback
from daw_protocol.errors import ErrorCode, ProtocolError

HOST_PORT = 9135
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class JoinString:
    """token: in base64 for addresses. fingerprint: SHA-256 of the certificate in hex; "" where there is none."""

    host: str
    port: int
    token: str
    fingerprint: str = ""

    @property
    def address(self) -> str:
        """Without what is secret."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.fingerprint else 'ws'}://{shown}:{self.port}"

    def __str__(self) -> str:
        return f"{self.address}#{self.token}{f'.{self.fingerprint}' if self.fingerprint else ''}"

    def __repr__(self) -> str:  # it may come into a log
        return f"JoinString({self.address})"

    @classmethod
    def parse(cls, text: str) -> JoinString:
        """Raises ProtocolError for what is none, and for one that would send the token through a network in clear."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port or HOST_PORT
            (parts.hostname or "").encode("idna")  # "studio..lan" is no name of a machine
        except ValueError:
            raise _unreadable() from None
        token, _, fingerprint = parts.fragment.partition(".")
        fitting = {"ws": fingerprint == "", "wss": _FINGERPRINT.fullmatch(fingerprint) is not None}
        if not (parts.hostname and _TOKEN.fullmatch(token) and fitting.get(parts.scheme)):
            raise _unreadable()
        if not fingerprint and not is_loopback(parts.hostname):
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"The connection to {parts.hostname} would not be encrypted.",
                "Start the host with `takebridge host --lan` and use the line that begins with wss://, or open a "
                "tunnel with ssh -L and name this machine.",
                "render-host",
            )
        return cls(parts.hostname, port, token, fingerprint)


def _unreadable() -> ProtocolError:
    return ProtocolError(
        ErrorCode.WRONG_TYPE,
        "A render host's line looks like wss://box:9135#TOKEN.FINGERPRINT; the one given does not.",
        "Copy the whole line that `takebridge host` printed, in quotes.",
        "render-host",
    )


def pinned_context(fingerprint: str) -> ssl.SSLContext:
    """TLS that speaks to the one certificate with this fingerprint, whoever issued it and whatever names are in it."""

    class PinnedObject(ssl.SSLObject):
        """Compares the certificate as soon as it is there, before anything of ours is sent."""

        def do_handshake(self) -> None:
            super().do_handshake()
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if not hmac.compare_digest(shown, fingerprint):
                raise ssl.SSLCertVerificationError("the certificate is another machine's")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the comparison above is stricter than any issuer's word
    kind: Any = PinnedObject
    context.sslobject_class = kind
    return context
