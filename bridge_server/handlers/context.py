"""Context messages: what a client's next requests are about, for the client itself and for everybody who watches."""

from __future__ import annotations

import contextlib

from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.client import Client
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.placement import placed
from bridge_server.songs.song_reader import SongReader
from daw_protocol import requests
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Request

# Values that are not part of what a message means.
NOT_ECHOED = {"id", "reply_port", "client", "token"}


class ContextHandlers:
    """Applies context messages."""

    def __init__(self, contexts: ClientContexts, shared_context: SharedContext, reader: SongReader) -> None:
        self._contexts = contexts
        self._shared_context = shared_context
        self._reader = reader

    async def apply(self, request: Request, client: Client) -> Response:
        found = request
        if isinstance(request, requests.SetSource):
            # Render requests reach the shared context with the file's whole name: one song must have one name.
            found = request.evolve(source=self._reader.check(request.source))
        self._contexts.apply(client.key, request)
        self._shared_context.apply(found, client.key)
        if isinstance(found, requests.SetSource) and found.position is None:
            await self._show_place(found)
        return understood(request, in_words(request), request)

    async def _show_place(self, request: requests.SetSource) -> None:
        """Where the song lies by its time stamp, for all who show it; a file that cannot be read is refused later."""
        with contextlib.suppress(ProtocolError):
            probe = await self._reader.probe(request.source, request.rate)
            self._shared_context.song_lies(request.source, placed(None, probe).position, probe.rate)


def in_words(request: Request) -> str:
    """What a context message was taken to mean."""
    if isinstance(request, requests.SetTempo) and request.tempo_map is not None:
        points = [
            f"{float(point.bpm):g} BPM from quarter note {float(point.quarter):g}"
            + (" moving to the next" if point.ramp else "")
            for point in request.tempo_map.points
        ]
        return f"{len(points)} tempos: {', '.join(points)}"[:500]
    values = [
        f"{name} {typed(given)}" for name, given in request.to_fields().items() if name not in NOT_ECHOED
    ]
    return ", ".join(values)[:500] or "forgotten"


def typed(given: object) -> str:
    """A value as one would type it: OSC's 127.3 arrives as 127.30000305175781."""
    return f"{given:.7g}" if isinstance(given, float) else str(given)
