"""What happens in the server, published once for every part that wants to know.

Lives on the event loop. Publishing calls the subscribers one after the other, in the order they subscribed, before it
returns; whatever is slow belongs in a task of the subscriber's own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge_server.sessions.client import Client
from daw_protocol.replies import Reply
from daw_protocol.requests import Request

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """Something that happened. Parts with news of their own derive from it: rendering/partial_render.py does."""


@dataclass(frozen=True)
class JobReply(Event):
    """A reply about a job: its progress, a take, its end."""

    job: str
    reply: Reply


@dataclass(frozen=True)
class Notice(Event):
    """A reply that concerns everybody who watches, except the client that has it already."""

    reply: Reply
    known_to: Client | None = None


@dataclass(frozen=True)
class ContextMoved(Notice):
    """The shared context changed; the playhead's movements count."""


@dataclass(frozen=True)
class RequestDone(Event):
    """A request was carried out, or its job accepted."""

    request: Request
    client: Client


@dataclass(frozen=True)
class Responded(Event):
    """A request has its replies, whatever they say, after so many seconds."""

    request: Request
    client: Client
    replies: tuple[Reply, ...]
    seconds: float


E = TypeVar("E", bound=Event)


class Events:
    """The one place where parts of the server learn from each other."""

    def __init__(self) -> None:
        self._subscribers: list[tuple[type[Event], Callable[[Any], None]]] = []

    def subscribe(self, kind: type[E], receive: Callable[[E], None]) -> Callable[[], None]:
        """Calls `receive` with every event of that kind, subclasses included. Returns what ends the subscription."""
        entry = (kind, receive)
        self._subscribers.append(entry)

        def unsubscribe() -> None:
            if entry in self._subscribers:
                self._subscribers.remove(entry)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Delivers the event. A subscriber that fails is logged; the others still get it."""
        for kind, receive in tuple(self._subscribers):
            if isinstance(event, kind):
                try:
                    receive(event)
                except Exception:
                    about = {"job": getattr(event, "job", "")}
                    log.exception("A subscriber failed on %s", type(event).__name__, extra=about)
