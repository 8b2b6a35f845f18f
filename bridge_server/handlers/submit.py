"""Accepting requests for audio: checked as far as can be without reading the song's samples, then queued, once."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge_server.engines.limits import refuse_impossible
from bridge_server.engines.pool import EnginePool
from bridge_server.engines.prompt_reading import unread_words
from bridge_server.handlers.engine_choice import engine_for
from bridge_server.handlers.jobs import JobHandlers, acknowledged
from bridge_server.handlers.request_songs import RequestSongs
from bridge_server.handlers.response import Response
from bridge_server.handlers.song_words import refuse_impossible_edit, with_song_words
from bridge_server.handlers.variation import is_the_same, needs_engine, varied
from bridge_server.jobs.fingerprint import Fingerprint
from bridge_server.jobs.job import Job
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.presets import Presets
from bridge_server.rendering.planned_requests import (
    read_blueprint,
    refuse_empty_locks,
    region_of,
    with_blueprint,
)
from bridge_server.rendering.stem_passes import ExtractPace
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.client import Client
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.events import Events, Notice
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.alike import alike, as_text
from bridge_server.songs.plans import Plans
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.addresses import BY_REQUEST
from daw_protocol.context import Context
from daw_protocol.errors import MAX_SENTENCE, ErrorCode, ProtocolError
from daw_protocol.requests import Cover, Render
from daw_protocol.requests.planning import Written
from daw_protocol.requests.render import ACCEPTED, MAX_TITLE
from daw_protocol.requests.tracks import Track
from daw_protocol.seed import folded
from model.engine import EngineDescription

PRIORITIES = {"batch": 0, "interactive": 1}

DRAWN_SEEDS = 2**31  # so many; every one of them fits OSC's smallest integer

# Requests are about the same thing, for `replace`, when they agree in these.
PLACE_FIELDS = ("track", "source", "tracks", "start", "end", "bars", "length", "regions")


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
        tempos: SongTempos,
        plans: Plans,
        presets: Presets,
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
        self._songs = RequestSongs(reader, tempos, worker.hearing, ExtractPace(queue, store).of)
        self._plans = plans
        self._presets = presets
        self._clock = clock

    async def submit(self, request: Render, client: Client, note: str = "") -> Response:
        """Accepts a request, or answers a repeated one from memory. note: the first thing the answer says.

        Raises ProtocolError.
        """
        filled = self._presets.fill(self._context(client, request).fill(request))
        asked = Fingerprint.of(request, filled)
        if known := self._known(request, asked, client):
            return await self._answers.again(known, client)
        filled = self._planned(filled, request)
        request, seed_note = self._settled(filled.evolve(hears=self._hears(request, client)))
        name, description = await engine_for(request, filled.engine, self._engines)
        request = request.evolve(engine=name)
        request, described = self._described(description, request)
        refuse_impossible(description, request)
        request = self._with_files(request, description.file_options)
        request, placement = await self._songs.placed(description, request)
        songs = await self._songs.as_asked(request)
        if known := self._known(request, asked, client):  # meanwhile, by another connection
            return await self._answers.again(known, client)
        job = self._new_job(request, asked, client, songs)
        replaced = self._queue.waiting_for(job.region_key) if request.replace else []
        self._queue.add(job, in_place_of=len(replaced))
        for older in replaced:
            self._worker.cancel(older, "Replaced by a newer request for the same region.")
        self._audience.add(job.id, client)
        unread = unread_words(description, request.task, request.prompt, request.lyrics)
        notes = (note, seed_note, described, placement, *request.notes, unread)
        answer = acknowledged(job, " ".join(filter(None, notes))[:MAX_SENTENCE])
        self._events.publish(Notice(answer.replies[0], known_to=client))
        # The song's own tempo is kept with the song: it must not follow the context to the next one.
        sent = {name: getattr(filled, name) for name in ("bpm", "meter", "tempo_map", "key")}
        self._shared_context.apply(request.evolve(**sent), client.key)
        self._worker.queued(request.engine)
        return answer

    def _known(self, request: Render, asked: Fingerprint, client: Client) -> Job | None:
        """The job of this very request, if it came before. Raises ProtocolError when its id has another one."""
        if not request.id:
            return None
        job = self._queue.find(client.sender, request.id)
        if job is not None and not is_repeat(asked, job, request):
            raise ProtocolError(
                ErrorCode.ID_IN_USE,
                f"The id {request.id!r} belongs to another request ({job.command}, job {job.id}).",
                "Use a new id for each request, or give each program a client name of its own.",
                "id",
            )
        if job is None and client.sender != client.key:
            # Repeated from another port, as messages typed one by one are. With other values it is another program's.
            others = self._queue.of_machine(client.key, request.id)
            job = next((one for one in others if is_repeat(asked, one, request)), None)
        return job

    def _hears(self, request: Render, client: Client) -> str | None:
        """What the render hears. A program that sends its own bounce has accepted takes in it, or does without them;
        whoever plays on the shared song means it as it stands."""
        if request.hears is not None or not request.spec().hears_accepted:
            return request.hears
        shared = (
            request.source is None
            and request.tracks is None
            and self._contexts.context(client.key).source is None
        )
        return ACCEPTED if shared else None

    def _context(self, client: Client, request: Render) -> Context:
        """The client's context. A pad or a surface that never named a song means the shared one, with its tempo and
        region."""
        own = self._contexts.context(client.key)
        return self._shared_context.context if own.source is None and request.source is None else own

    async def vary(self, request: requests.Vary, client: Client) -> Response:
        """The request of a take, about the same audio, with changes."""
        take = self._store.index.get(request.take)
        if take.parent is None and request.variance is None and not is_the_same(request):
            raise ProtocolError(
                ErrorCode.CANNOT_RENDER,
                f"Take {take.id} has no source song, so it cannot be varied.",
                "Generate a new one, or send variance to stay close to this one.",
                "take",
            )
        description = await self._engines.describe(take.recipe.engine) if needs_engine(request) else None
        again, note = varied(take, request, description)
        return await self.submit(again, client, note)

    def _planned(self, request: Render, own: Render) -> Render:
        """The request with what its blueprint says. Raises ProtocolError where the two contradict each other.

        own: as it was sent, without its context.
        """
        if isinstance(request, Written):
            refuse_empty_locks(request)
        if not isinstance(request, requests.Generate) or request.blueprint is None:
            return request
        given = request.blueprint
        found = self._plans.named(given) if isinstance(given, str) else read_blueprint(given)
        assert isinstance(own, requests.Generate), "they are the same request"
        selected = request.length is None and all(given is None for given in region_of(own))
        return with_blueprint(request, found, selected=selected)

    def _settled(self, request: Render) -> tuple[Render, str]:
        """The request with its source found and its seed drawn, so that it means the same ever after; and a note on
        the seed, "" when it is the one that was sent."""
        seed, note = settled_seed(request.seed)
        found: dict[str, Any] = {
            "token": "",  # no record keeps it
            "engine": request.engine or self._default_engine,
            "seed": seed,
        }
        if request.regions is not None:
            found["regions"] = tuple(
                region if region.seed is None else region.evolve(seed=settled_seed(region.seed)[0])
                for region in request.regions
            )
        if request.tracks is not None:
            found["tracks"] = tuple(self._found_track(track) for track in request.tracks)
        elif request.source is not None:
            found["source"] = self._reader.check(request.source)
            found["title"] = request.title or typed_title(request.source, found["source"])
        elif request.spec().needs_source:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "No source was given.",
                "Send source with the request, or send /bridge/source first.",
                "source",
            )
        if request.reference is not None:
            found["reference"] = self._agreed_reference(request)
        return request.evolve(**found), note

    def _found_track(self, track: Track) -> Track:
        """A track with its song found. Raises ProtocolError about `tracks`."""
        found = self._reader.check(track.source, "tracks")
        return track.evolve(source=found, title=track.title or typed_title(track.source, found))

    def _described(self, description: EngineDescription, request: Render) -> tuple[Render, str]:
        """An edit with the song's words as it is, and a note; other requests as they are. Raises ProtocolError."""
        if not isinstance(request, Cover):
            return request, ""
        refuse_impossible_edit(description, request)
        take = self._reader.take_of(request.source) if request.edit and request.source else None
        return with_song_words(request, take)

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
        return request.evolve(options=found)

    def _new_job(
        self, request: Render, asked: Fingerprint, client: Client, songs: dict[str, dict[str, Any]]
    ) -> Job:
        job_id = f"j{secrets.token_hex(5)}"
        request = request.evolve(id=request.id or job_id)
        fields = request.to_fields()
        return Job(
            id=job_id,
            client=client.sender,
            fingerprint=str(asked),
            request_id=request.id,
            command=BY_REQUEST[type(request)].name,
            request=fields,
            priority=PRIORITIES[request.priority],
            region_key=json.dumps([request.task, *(fields.get(name) for name in PLACE_FIELDS)]),
            reply_to=client.reply_to,
            created=self._clock(),
            songs=songs,
        )


def settled_seed(seed: int | None) -> tuple[int, str]:
    """The seed to render with, drawn where none is asked for; and a note, "" when it is the one that was sent."""
    within, note = (None, "") if seed is None else folded(seed)
    return secrets.randbelow(DRAWN_SEEDS) if within is None else within, note


def typed_title(typed: str, found: str) -> str:
    """The song's name as its producer wrote it, where the file's own name is only another spelling of it; else ""."""
    written, there = Path(typed).stem, Path(found).stem
    return as_text(written, MAX_TITLE) if written != there and alike(written) == alike(there) else ""


def is_repeat(asked: Fingerprint, job: Job, request: Render) -> bool:
    """Whether the job is that of the same request. A job of an older version has no fingerprint: its command counts."""
    if not job.fingerprint:
        return job.command == BY_REQUEST[type(request)].name
    return asked.repeats(Fingerprint.from_text(job.fingerprint))
