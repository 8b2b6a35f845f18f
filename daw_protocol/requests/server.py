"""Requests about the server, its engines and its store, and uploads into it."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import FileName, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request


@dataclass(frozen=True, kw_only=True)
class Status(Request):
    """The server's state: engine, queue, store, folders."""


@dataclass(frozen=True, kw_only=True)
class ListEngines(Request):
    """What each engine can and cannot do, with the reasons."""


@dataclass(frozen=True, kw_only=True)
class VerifyStore(Request):
    """Reread all stored audio and check it against its digests."""


@dataclass(frozen=True, kw_only=True)
class SweepStore(Request):
    """Delete stored audio that no take, job or chosen song refers to."""


@dataclass(frozen=True, kw_only=True)
class BeginUpload(Request):
    """Announce an audio file that follows as binary WebSocket frames."""

    name: str = value(FileName(255, 1), "the file's name, used for the takes")
    size: int = value(Whole(1, 2**34), "number of bytes to follow")
    sha256: str = value(Text(64, 64), "SHA-256 of those bytes, in hexadecimal")

    def check(self) -> None:
        if not set(self.sha256.lower()) <= set("0123456789abcdef"):
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                "sha256: must be 64 hexadecimal digits.",
                "Send the SHA-256 of the file's bytes, as sha256sum prints it.",
                "sha256",
            )
