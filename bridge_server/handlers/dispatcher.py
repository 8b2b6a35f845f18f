"""What the server does with each request, whichever way it came: the endpoints hand requests in and answers out.

Everything here is quick. Rendering happens in render_worker.py, which is only told that there is work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from bridge_server.audition.controller import AuditionController
from bridge_server.engines.registry import EngineRegistry
from bridge_server.errors import as_protocol_error
from bridge_server.handlers.audition import AUDITION_REQUESTS, AuditionHandlers
from bridge_server.handlers.exports import ExportHandlers
from bridge_server.handlers.jobs import JobHandlers
from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.shared_context import SharedContextHandlers
from bridge_server.handlers.status import StatusHandlers
from bridge_server.handlers.submit import SubmitHandlers
from bridge_server.handlers.takes import TakeHandlers
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.client import Client
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.events import Listeners
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.settings import Settings
from bridge_server.songs.song_reader import SongReader
from clip_store.errors import ClipStoreError, TakeError
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.context import CONTEXT_REQUESTS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render, Request

# Requests that read audio from the disk: an endpoint answers others meanwhile.
SLOW: tuple[type[Request], ...] = (
    requests.VerifyStore, requests.SweepStore, requests.ShowJob, requests.ShowTake,
    requests.Export, requests.ShowFocus, requests.ListSongs, *AUDITION_REQUESTS,
)  # fmt: skip

Handler = Callable[[Any, Client], Awaitable[Response]]


class Dispatcher:
    """Knows who answers which request. Lives on the event loop."""

    def __init__(
        self,
        settings: Settings,
        connection: sqlite3.Connection,
        store: ClipStore,
        queue: JobQueue,
        listeners: Listeners,
        reader: SongReader,
        worker: RenderWorker,
        shared_context: SharedContext,
        controller: AuditionController,
    ) -> None:
        self._reader = reader
        self._shared_context = shared_context
        self._contexts = ClientContexts(settings.limits.clients)
        self._hooks: list[Callable[[Request, Client], None]] = []
        engines = EngineRegistry(settings.engines)
        jobs = JobHandlers(queue, store, listeners, worker)
        takes = TakeHandlers(store, connection, listeners.watchers)
        exports = ExportHandlers(store, settings.roots)
        self.server = server = StatusHandlers(settings, queue, store, worker, engines)
        audition = AuditionHandlers(controller, store.index, queue, reader, shared_context)
        looking = SharedContextHandlers(settings, shared_context, reader, listeners.watchers)
        self._submit = SubmitHandlers(
            settings.engine,
            engines,
            self._contexts,
            shared_context,
            store,
            queue,
            listeners,
            reader,
            worker,
            jobs,
        )
        self._handlers: dict[type[Request], Handler] = {
            requests.Vary: self._submit.vary,
            requests.Cancel: jobs.cancel,
            requests.ListJobs: jobs.list,
            requests.ShowJob: jobs.show,
            requests.ListTakes: takes.list,
            requests.ShowTake: takes.show,
            requests.ChooseTake: takes.choose,
            requests.RevertTake: takes.revert,
            requests.Watch: looking.watch,
            requests.ShowFocus: looking.show,
            requests.ListSongs: looking.songs,
            requests.Export: exports.export,
            requests.Status: server.status,
            requests.ListEngines: server.engines,
            requests.VerifyStore: server.verify,
            requests.SweepStore: server.sweep,
            **dict.fromkeys(CONTEXT_REQUESTS, self._hear),
            **dict.fromkeys(AUDITION_REQUESTS, audition.answer),
        }

    async def answer(self, request: Request, client: Client) -> Response:
        """Does what is asked. Raises ProtocolError, which the endpoint sends as the terminal reply."""
        try:
            if isinstance(request, Render):
                answer = await self._submit.submit(request, client)
            else:
                answer = await self._handlers[type(request)](request, client)
        except TakeError as error:
            raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, "take") from error
        except ClipStoreError as error:
            raise as_protocol_error(error) from error
        for hook in self._hooks:
            hook(request, client)
        return answer

    def when_asked(self, hook: Callable[[Request, Client], None]) -> None:
        """Has `hook` called with every request that was carried out, or begun, and with who asked."""
        self._hooks.append(hook)

    async def _hear(self, request: Request, client: Client) -> Response:
        """A context message: what the client's next requests are about."""
        found = request
        if isinstance(request, requests.SetSource):
            # Requests for audio are told to the focus with the file's whole name: the same song must have one name.
            found = replace(request, source=self._reader.check(request.source))
        self._contexts.hear(client.key, request)
        self._shared_context.hear(found, client.key)
        return understood(request, in_words(request), request.to_fields())


def in_words(request: Request) -> str:
    """What a context message was taken to mean."""
    if isinstance(request, requests.SetTempo) and request.tempo_map is not None:
        points = [
            f"{float(point.bpm):g} BPM from quarter note {float(point.quarter):g}"
            + (" moving to the next" if point.ramp else "")
            for point in request.tempo_map.points
        ]
        return f"{len(points)} tempos: {', '.join(points)}"[:500]
    values = [f"{name} {told(given)}" for name, given in request.to_fields().items() if name not in UNTOLD]
    return ", ".join(values)[:500] or "forgotten"


def told(given: object) -> str:
    """A value as one would type it: OSC's 127.3 arrives as 127.30000305175781."""
    return f"{given:.7g}" if isinstance(given, float) else str(given)


UNTOLD = {"id", "reply_port", "client", "token"}
