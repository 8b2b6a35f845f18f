"""Each client's context, kept while the server runs; the least recently used are dropped first."""

from __future__ import annotations

from collections import OrderedDict

from daw_protocol.context import Context
from daw_protocol.requests import Request


class ClientContexts:
    """Contexts by client key, `most` at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._contexts: OrderedDict[str, Context] = OrderedDict()

    def context(self, client: str) -> Context:
        """The client's context; an empty one for an unknown client."""
        if client in self._contexts:
            self._contexts.move_to_end(client)
        return self._contexts.get(client, Context())

    def apply(self, client: str, request: Request) -> Context:
        """Updates the client's context from a message and returns it."""
        return self._keep(client, self.context(client).after(request))

    def forget_tempo(self, client: str) -> None:
        """The client has accepted a tempo for its song: what it sent before does not count any more."""
        if client in self._contexts:
            self._keep(client, self._contexts[client].without_tempo())

    def _keep(self, client: str, context: Context) -> Context:
        self._contexts[client] = context
        self._contexts.move_to_end(client)
        while len(self._contexts) > self._most:
            self._contexts.popitem(last=False)
        return context
