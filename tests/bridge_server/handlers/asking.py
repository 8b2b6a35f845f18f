"""A client that asks a handler something, and keeps what it is sent meanwhile."""

from __future__ import annotations

from typing import Any


class Asking:
    """As much of a client as handlers of long requests need."""

    def __init__(self, key: str = "studio", sender: str = "studio@1") -> None:
        self.key = key
        self.sender = sender
        self.sent: list[Any] = []

    def send(self, reply: Any) -> None:
        self.sent.append(reply)
