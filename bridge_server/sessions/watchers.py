"""Who hears of everything: panels, control surfaces and scripts that show what goes on."""

from __future__ import annotations

from collections.abc import Container

from bridge_server.sessions.client import Client
from daw_protocol.replies import Reply

# A surface that sends `watch` each time it is opened, from another port, must not be sent to for ever.
MAX_WATCHERS = 64


class Watchers:
    """Clients that watch, in the order they came; past the limit the oldest is forgotten."""

    def __init__(self, most: int = MAX_WATCHERS) -> None:
        self._most = most
        self._clients: list[Client] = []

    def add(self, client: Client) -> None:
        self.forget(client)
        self._clients.append(client)
        del self._clients[: -self._most]

    def forget(self, client: Client) -> None:
        """The client does not want to hear any more, or has gone."""
        if client in self._clients:
            self._clients.remove(client)

    def tell(self, reply: Reply, besides: Container[Client] = ()) -> None:
        """Sends a reply to everybody who watches, but for those who have it already."""
        for client in self._clients:
            if client not in besides:
                client.send(reply)
