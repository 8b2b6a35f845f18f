"""Accepting requests for audio: checked as far as can be without reading the song's samples, then queued, once."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bridge_server.engines.limits import refuse_impossible, refuse_too_long, unread_words
from bridge_server.engines.pool import EnginePool
from bridge_server.handlers.jobs import JobHandlers, acknowledged
from bridge_server.handlers.response import Response
from bridge_server.jobs.job import Job
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.plan import plan_request
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.client import Client
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.events import Events, Notice
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import STORED
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.addresses import BY_NAME, BY_REQUEST
from daw_protocol.context import Context
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from model.engine import EngineDescription

PRIORITIES = {"batch": 0, "interactive": 1}

# Requests are about the same thing, for `replace`, when they agree in these.
PLACE_FIELDS = ("track", "source", "start", "end", "bars", "length")


class SubmitHandlers:
    """Turns requests into jobs. `default_engine` renders what names no engine."""

    def __init__(
        self,
        default_engine: str,
        engines: EnginePool,
        sessions: ClientContexts,
        shared_context: SharedContext,
        store: ClipStore,
        queue: JobQueue,
        events: Events,
        audience: Audience,
        reader: SongReader,
        worker: RenderWorker,
        answers: JobHandlers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._default_engine = default_engine
        self._engines = engines
        self._contexts = sessions
        self._shared_context = shared_context
        self._store = store
        self._queue = queue
        self._events = events
        self._audience = audience
        self._reader = reader
        self._worker = worker
        self._answers = answers
        self._clock = clock

    async def submit(self, request: Render, client: Client) -> Response:
        """Accepts a request, or answers a repeated one from memory. Raises ProtocolError."""
        if request.id and (known := self._queue.find(client.key, request.id)):
            return await self._answers.again(known, client)
        request = self._settled(self._context(client, request).fill(request))
        description = await self._engines.describe(request.engine)
        refuse_impossible(description, request)
        request = self._with_files(request, description.file_options)
        await self._check_plan(description, request)
        if request.id and (
            known := self._queue.find(client.key, request.id)
        ):  # meanwhile, by another connection
            return await self._answers.again(known, client)
        job = self._new_job(request, client)
        replaced = self._queue.waiting_for(job.region_key) if request.replace else []
        self._queue.add(job, in_place_of=len(replaced))
        for older in replaced:
            self._worker.cancel(older, "Replaced by a newer request for the same region.")
        self._audience.add(job.id, client)
        answer = acknowledged(job, unread_words(description, request))
        self._events.publish(Notice(answer.replies[0], known_to=client))
        self._shared_context.apply(request, client.key)
        self._worker.wake()
        return answer

    def _context(self, client: Client, request: Render) -> Context:
        """The client's context. A pad or a surface that never named a song means the shared one, with its tempo and
        region."""
        own = self._contexts.context(client.key)
        return self._shared_context.context if own.source is None and request.source is None else own

    async def vary(self, request: requests.Vary, client: Client) -> Response:
        """The request of a take, about the same audio, with changes."""
        take = self._store.index.get(request.take)
        if take.parent is None:
            raise ProtocolError(
                ErrorCode.CANNOT_RENDER,
                f"Take {take.id} has no source song, so it cannot be varied.",
                "Generate a new one.",
                "take",
            )
        changes = {name: getattr(request, name) for name in ("strength", "prompt")}
        fields = {
            **{name: given for name, given in take.request.items() if name != "seed"},
            **{name: given for name, given in changes.items() if given is not None},
            "id": request.id,
            "source": STORED + take.parent,
            "source_position": take.position - take.start,
            "takes": request.takes,
            "origin": take.id,
            "title": take.title,  # the store's audio has no name
        }
        if request.seed is not None:
            fields["seed"] = request.seed
        again = BY_NAME[take.task].request.from_fields(fields)
        assert isinstance(again, Render), take.task
        return await self.submit(again, client)

    def _settled(self, request: Render) -> Render:
        """The request with its source found and its seed drawn, so that it means the same ever after."""
        found: dict[str, Any] = {
            "token": "",  # no record keeps it
            "engine": request.engine or self._default_engine,
            "seed": secrets.randbelow(requests.MAX_SEED) if request.seed is None else request.seed,
        }
        if request.source is not None:
            found["source"] = self._reader.check(request.source)
        elif request.spec().needs_source:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "No source was given.",
                "Send source with the request, or send /bridge/source first.",
                "source",
            )
        if request.reference is not None:
            found["reference"] = self._agreed_reference(request)
        return replace(request, **found)

    async def _check_plan(self, description: EngineDescription, request: Render) -> None:
        """Raises ProtocolError for everything that the request and the headers of its files show to be impossible."""
        if request.reference is not None:
            await self._reader.probe(request.reference, None, "reference")
        probe = await self._reader.probe(request.source, request.rate) if request.source else None
        refuse_too_long(description, plan_request(request, probe).least_seconds)

    def _agreed_reference(self, request: Render) -> str:
        """The reference audio, found. Raises ProtocolError unless its use was agreed to."""
        assert request.reference is not None
        if not request.reference_consent:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                "Reference audio needs the performer's consent; reference_consent was not set.",
                "If the performer agreed, set reference_consent to true. The take's recipe records it.",
                "reference_consent",
            )
        return self._reader.check(request.reference, "reference")

    def _with_files(self, request: Render, options: tuple[str, ...]) -> Render:
        """The request with the files its options name found under the registered folders."""
        found = {
            name: self._reader.option_file(name, str(given)) if name in options else given
            for name, given in request.options.items()
        }
        return replace(request, options=found)

    def _new_job(self, request: Render, client: Client) -> Job:
        job_id = f"j{secrets.token_hex(5)}"
        request = replace(request, id=request.id or job_id)
        fields = request.to_fields()
        return Job(
            id=job_id,
            client=client.key,
            request_id=request.id,
            command=BY_REQUEST[type(request)].name,
            request=fields,
            priority=PRIORITIES[request.priority],
            region_key=json.dumps([request.task, *(fields.get(name) for name in PLACE_FIELDS)]),
            reply_to=client.reply_to,
            created=self._clock(),
        )
