"""Who asked: all that the server knows of an OSC sender or a WebSocket connection."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from daw_protocol.replies import Reply
from daw_protocol.requests import BeginUpload

PORT_MARK = "@"
"""Stands before the port in the sender of an OSC message that names no client."""


class Client(Protocol):
    """key:      equal for messages that share a context.
    sender:   equal for messages that share a space of request ids: the key, and for OSC messages that name no client
              the port as well, since several programs run on one machine.
    reply_to: where replies still reach the client after a restart of the server, "host:port" or "mailbox:NAME";
              "" if nowhere.
    door:     the way it came in by, for statistics.
    """

    @property
    def key(self) -> str: ...

    @property
    def sender(self) -> str: ...

    @property
    def reply_to(self) -> str: ...

    @property
    def door(self) -> str: ...

    def send(self, reply: Reply) -> None:
        """Hands a reply to the client without waiting; a client that has gone is no error."""
        ...


@runtime_checkable
class Reader(Client, Protocol):
    """A client that has chosen its language."""

    @property
    def language(self) -> str: ...


@runtime_checkable
class Uploader(Client, Protocol):
    """A client whose connection carries binary data."""

    def begin_upload(self, request: BeginUpload) -> None:
        """Expects the announced bytes from now on. Raises ProtocolError when they are too many."""
        ...
