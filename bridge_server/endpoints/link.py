"""Ableton Link as a client of the bridge: the session's tempo is the song's, its start moves the playhead."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction

from bridge_server.audition.link_transport import LinkReading, link_session
from bridge_server.handlers.dispatcher import Dispatcher
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.supervisor import Supervisor
from daw_protocol import requests
from daw_protocol.replies import Reply
from daw_protocol.requests import Request
from daw_protocol.timeline.position import AtQuarters

log = logging.getLogger(__name__)

INBOX = 64  # readings, three seconds of them; of more, the newest are kept


class LinkControl:
    """The session as a client. A whole tempo map knows more than a session, so that it keeps its tempos."""

    key = sender = door = "link"
    reply_to = ""

    def __init__(self, dispatcher: Dispatcher, shared_context: SharedContext) -> None:
        self._dispatcher = dispatcher
        self._shared_context = shared_context
        self._inbox: asyncio.Queue[LinkReading] = asyncio.Queue(INBOX)
        self._bpm = 0.0
        self._rolling = False
        self._beat = Fraction(-1)

    def send(self, reply: Reply) -> None:
        """Nobody at the other end reads replies."""

    def receive(self, reading: LinkReading) -> None:
        """Queues a reading; on the event loop. A full inbox loses its oldest: newer ones say all that still holds."""
        if self._inbox.full():
            self._inbox.get_nowait()
        self._inbox.put_nowait(reading)

    async def run(self) -> None:
        """Carries out what comes until cancelled."""
        while True:
            reading = await self._inbox.get()
            has_map = self._shared_context.context.tempo_map is not None
            for request in self.requests_for(reading, has_map):
                await self._dispatcher.respond(request, self)

    def requests_for(self, reading: LinkReading, has_map: bool) -> Iterator[Request]:
        """What a reading changes: the tempo, and the playhead at each start, stop and beat."""
        if reading.bpm != self._bpm and not has_map:
            self._bpm = reading.bpm
            log.info("Ableton Link: %.2f BPM", reading.bpm)
            yield requests.SetTempo(bpm=reading.bpm)
        beat = Fraction(int(reading.quarters))
        if reading.rolling != self._rolling or (reading.rolling and beat != self._beat):
            self._rolling, self._beat = reading.rolling, beat
            position = AtQuarters(max(Fraction(0), reading.quarters))
            yield requests.Transport(position=position, rolling=reading.rolling)


@contextlib.asynccontextmanager
async def link_control(
    wanted: bool, dispatcher: Dispatcher, shared_context: SharedContext, supervisor: Supervisor
) -> AsyncIterator[None]:
    """Link as a client for as long as the block lasts, if it is wanted. Raises ProtocolError without the package."""
    if not wanted:
        yield
        return
    control = LinkControl(dispatcher, shared_context)
    async with link_session(control.receive):
        supervisor.start("Ableton Link", control.run, essential=False)
        yield
