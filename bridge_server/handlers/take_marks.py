"""Names, stars and hiding of takes: noted in the index, and sent to everybody who watches."""

from __future__ import annotations

from bridge_server.handlers.response import Response, understood
from bridge_server.jobs.database import Connection, transaction
from bridge_server.sessions.client import Client
from bridge_server.sessions.events import Events, Notice
from clip_store.index import place_of
from clip_store.marks import Mark, one_line
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import TakeMarked
from daw_protocol.requests import MarkTake
from daw_protocol.take_results import MarkedTake


class TakeMarkHandlers:
    """Requests that note something on a take. Raises TakeError for an unknown take."""

    def __init__(self, store: ClipStore, connection: Connection, events: Events) -> None:
        self._store = store
        self._connection = connection
        self._events = events

    async def mark(self, request: MarkTake, _: Client) -> Response:
        """Raises ProtocolError when the request changes nothing, and for hiding a take that is in the song."""
        index = self._store.index
        take = index.get(request.take)
        if request.name is None and request.stars is None and request.hidden is None:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                f"Nothing is to be changed on take {take.id}.",
                "Give name, stars or hidden.",
                "name",
            )
        if request.hidden:
            self._refuse_in_song(take)
        before = index.marks.of(take.id)
        now = Mark(
            before.name if request.name is None else one_line(request.name),
            before.stars if request.stars is None else request.stars,
            before.hidden if request.hidden is None else request.hidden,
        )
        if now != before:
            with transaction(self._connection):
                index.marks.put(take.id, now)
            self._events.publish(
                Notice(TakeMarked(take=take.id, called=now.name, stars=now.stars, hidden=now.hidden))
            )
        result = MarkedTake(take=take.id, name=now.name, stars=now.stars, hidden=now.hidden)
        return understood(request, in_words(result), result)

    def _refuse_in_song(self, take: Take) -> None:
        if any(part.take == take.id for part in self._store.index.parts(place_of(take))):
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"Take {take.id} is in the song, so it cannot be hidden.",
                "Revert it or accept another take, then hide it.",
                "hidden",
            )


def in_words(mark: MarkedTake) -> str:
    """What is noted on a take: 'Take t1 is called "Chorus", has 4 stars and is hidden.'"""
    facts = [f'is called "{mark.name}"' if mark.name else "has no name"]
    facts.append(f"has {mark.stars} star{'' if mark.stars == 1 else 's'}" if mark.stars else "has no stars")
    facts.append("is hidden" if mark.hidden else "is shown")
    return f"Take {mark.take} {facts[0]}, {facts[1]} and {facts[2]}."
