"""What the server does with each request, whichever way it came: the endpoints hand requests in and answers out.

Everything here is quick. Rendering happens in render_worker.py, which is only told that there is work.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bridge_server.client import Client
from bridge_server.database import transaction
from bridge_server.engines import make_engine, refuse_impossible, target_of
from bridge_server.job import Job, JobState
from bridge_server.job_queue import JobQueue
from bridge_server.listeners import Listeners
from bridge_server.render_worker import RenderWorker, take_ready
from bridge_server.sessions import Sessions
from bridge_server.settings import Settings
from bridge_server.song_reader import SongReader
from bridge_server.sources import STORED, as_protocol_error
from bridge_server.version import VERSION
from clip_store.errors import ClipStoreError, TakeError
from clip_store.index import place_of
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol import requests
from daw_protocol.addresses import BY_REQUEST, Command
from daw_protocol.context import CONTEXT_REQUESTS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Acknowledged, Cancelled, Done, Failed, Reply, Understood
from daw_protocol.requests import Render, Request
from model.engine import EngineDescription, Task

PRIORITIES = {"batch": 0, "interactive": 1}
SLOW = (requests.VerifyStore, requests.SweepStore)


@dataclass(frozen=True)
class Answer:
    """What a request gets at once: `replies` for OSC, `data` as the JSON-RPC result."""

    replies: tuple[Reply, ...]
    data: Mapping[str, Any] = field(default_factory=dict)


class Bridge:
    """The server's mind: contexts, the queue, the store. Lives on the event loop."""

    def __init__(
        self,
        settings: Settings,
        connection: sqlite3.Connection,
        store: ClipStore,
        queue: JobQueue,
        listeners: Listeners,
        reader: SongReader,
        worker: RenderWorker,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.store = store
        self._connection = connection
        self._queue = queue
        self._listeners = listeners
        self._reader = reader
        self._worker = worker
        self._clock = clock
        self._sessions = Sessions(settings.limits.clients)
        self._descriptions: dict[str, EngineDescription] = {}
        self._handlers: dict[type[Request], Callable[[Any, Client], Awaitable[Answer]]] = {
            requests.Vary: self._vary,
            requests.Cancel: self._cancel,
            requests.Status: self._status,
            requests.ListEngines: self._engines,
            requests.ListJobs: self._jobs,
            requests.ShowJob: self._job,
            requests.ListTakes: self._takes,
            requests.ShowTake: self._take,
            requests.ChooseTake: self._choose,
            requests.RevertTake: self._revert,
            requests.VerifyStore: self._verify,
            requests.SweepStore: self._sweep,
        }

    async def answer(self, request: Request, client: Client) -> Answer:
        """Does what is asked. Raises ProtocolError, which the endpoint sends as the terminal reply."""
        try:
            if isinstance(request, Render):
                return await self._submit(request, client)
            if isinstance(request, CONTEXT_REQUESTS):
                return self._hear(request, client)
            return await self._handlers[type(request)](request, client)
        except TakeError as error:
            raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, "take") from error
        except ClipStoreError as error:
            raise as_protocol_error(error) from error

    # Asking for audio

    async def _submit(self, request: Render, client: Client) -> Answer:
        """Accepts a request for audio: checked as far as can be without reading the song, then queued."""
        if request.id and (known := self._queue.find(client.key, request.id)):
            return await self._again(known, client)
        request = self._sessions.context(client.key).fill(request)
        request = self._settled(request)
        refuse_impossible(self.describe(request.engine), request)
        job = self._new_job(request, client)
        replaced = self._queue.waiting_for(job.region_key) if request.replace else []
        self._queue.add(job)
        for older in replaced:
            self._worker.cancel(older, "A newer request for the same region took its place.")
        self._listeners.add(job.id, client)
        self._worker.wake()
        return self._acknowledged(job)

    def _settled(self, request: Render) -> Render:
        """The request with its source found and its seed drawn, so that it means the same ever after."""
        found: dict[str, Any] = {
            "engine": request.engine or self.settings.engine,
            "seed": secrets.randbelow(requests.MOST_SEED) if request.seed is None else request.seed,
        }
        if request.source is not None:
            found["source"] = self._reader.check(request.source)
        elif request.needs_source:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "It is not said which song this is about.",
                "Send source with the request, or /bridge/source before it.",
                "source",
            )
        return replace(request, **found)

    def describe(self, name: str) -> EngineDescription:
        """What the engine can do. Raises ProtocolError when there is none of that name."""
        if name not in self._descriptions:
            self._descriptions[name] = make_engine(target_of(name, self.settings.engines)).describe()
        return self._descriptions[name]

    def _new_job(self, request: Render, client: Client) -> Job:
        command = BY_REQUEST[type(request)]
        job_id = f"j{secrets.token_hex(5)}"
        request = replace(request, id=request.id or job_id)
        fields = request.to_fields()
        place = [fields.get(name) for name in ("track", "source", "start", "end", "bars", "length")]
        return Job(
            id=job_id,
            client=client.key,
            request_id=request.id,
            command=command.name,
            request=fields,
            priority=PRIORITIES[request.priority],
            region_key=json.dumps([request.task, *place]),
            reply_to=client.reply_to,
            created=self._clock(),
        )

    def _acknowledged(self, job: Job, note: str = "") -> Answer:
        reply = Acknowledged(id=job.request_id, job=job.id, state=job.state.value, note=note)
        return Answer((reply,), reply.to_fields())

    async def _again(self, job: Job, client: Client) -> Answer:
        """The first answer, once more: how the job stands, and what it gave if it has ended."""
        note = "This id was used before; nothing new is rendered. Use a new id to ask again."
        first = self._acknowledged(job, note)
        if not job.state.terminal:
            self._listeners.add(job.id, client)
            return first
        takes = await self._ready_takes(job)
        return Answer(
            (*first.replies, *takes, self._ending(job, len(takes))),
            {**first.data, "takes": [take.to_fields() for take in takes]},
        )

    async def _ready_takes(self, job: Job) -> list[Reply]:
        takes = self.store.index.list(job=job.id, limit=1000)
        paths = [await asyncio.to_thread(self.store.clip_path, take) for take in takes]
        return [take_ready(job, *pair) for pair in zip(reversed(takes), reversed(paths), strict=True)]

    def _ending(self, job: Job, takes: int) -> Reply:
        """The terminal reply of a job that has ended."""
        if job.state is JobState.DONE:
            return Done(id=job.request_id, job=job.id, takes=takes)
        if job.state is JobState.CANCELLED:
            return Cancelled(id=job.request_id, job=job.id)
        return Failed(id=job.request_id, job=job.id, **job.failure)

    async def _vary(self, request: requests.Vary, client: Client) -> Answer:
        """The request a take was made by, about the very same audio, with what is to be different."""
        take = self.store.index.get(request.take)
        if take.parent is None:
            raise ProtocolError(
                ErrorCode.CANNOT_RENDER,
                "A generated song cannot be varied yet.",
                "Generate another one.",
                "take",
            )
        command = next(entry for entry in BY_REQUEST.values() if entry.name == take.task)
        changes: dict[str, Any] = {
            "seed": request.seed,
            "strength": request.strength,
            "prompt": request.prompt,
        }
        fields = {
            **take.request,
            "id": request.id,
            "source": STORED + take.parent,
            "source_position": take.position - take.start,
            "takes": request.takes,
            "origin": take.id,
            **{name: given for name, given in changes.items() if given is not None},
        }
        if request.seed is None:
            fields.pop("seed", None)
        again = command.request.from_fields(fields)
        assert isinstance(again, Render), command.name
        return await self._submit(again, client)

    # Context

    def _hear(self, request: Request, client: Client) -> Answer:
        if isinstance(request, requests.SetSource):
            self._reader.check(request.source)
        self._sessions.hear(client.key, request)
        return _understood(request, context_words(request), request.to_fields())

    # Jobs

    async def _cancel(self, request: requests.Cancel, client: Client) -> Answer:
        job = self._queue.get(request.job) or self._queue.find(client.key, request.job)
        if job is None:
            raise _no_job(request.job)
        self._listeners.add(job.id, client)
        if not self._worker.cancel(job, "Cancelled on request."):
            return _understood(request, f"Job {job.id} was {job.state.value} already.", {"job": job.id})
        return _understood(request, f"Job {job.id} is being cancelled.", {"job": job.id})

    async def _jobs(self, request: requests.ListJobs, client: Client) -> Answer:
        jobs = self._queue.newest(JobState(request.state) if request.state else None, request.limit)
        lines = "; ".join(f"{job.id} {job.command} {job.state.value}" for job in jobs)
        return _understood(request, lines or "There are no jobs.", {"jobs": [job.to_json() for job in jobs]})

    async def _job(self, request: requests.ShowJob, client: Client) -> Answer:
        job = self._queue.get(request.job) or self._queue.find(client.key, request.job)
        if job is None:
            raise _no_job(request.job)
        takes = await self._ready_takes(job)
        data = {**job.to_json(), "takes": [take.to_fields() for take in takes]}
        ended = (self._ending(job, len(takes)),) if job.state.terminal else ()
        understood = _understood(request, f"{job.command} {job.state.value}", data)
        return Answer((*takes, *(ended or understood.replies)), data)

    # Takes

    async def _takes(self, request: requests.ListTakes, client: Client) -> Answer:
        takes = self.store.index.list(
            song=request.song, job=request.job, task=request.task, limit=request.limit
        )
        lines = "; ".join(f"{take.id} {take.task} {take.stem} of {take.title}" for take in takes)
        return _understood(
            request, lines or "There are no takes.", {"takes": [about(take) for take in takes]}
        )

    async def _take(self, request: requests.ShowTake, client: Client) -> Answer:
        take = self.store.index.get(request.take)
        path = str(await asyncio.to_thread(self.store.clip_path, take))
        data = {**about(take), "request": dict(take.request), "recipe": dict(take.recipe), "path": path}
        return _understood(request, f"{take.task} at sample {take.position}: {path}", data)

    async def _choose(self, request: requests.ChooseTake, client: Client) -> Answer:
        with transaction(self._connection):
            self.store.index.choose(request.take)
        return _understood(
            request, f"Take {request.take} is chosen for its region.", {"chosen": request.take}
        )

    async def _revert(self, request: requests.RevertTake, client: Client) -> Answer:
        with transaction(self._connection):
            chosen = self.store.index.revert(place_of(self.store.index.get(request.take)))
        text = f"Take {chosen} is chosen again." if chosen else "The original is back."
        return _understood(request, text, {"chosen": chosen})

    # The server

    async def _status(self, request: requests.Status, client: Client) -> Answer:
        current = self._worker.current
        free = shutil.disk_usage(self.settings.store).free
        data = {
            "version": VERSION,
            "engine": self.settings.engine,
            "engine_processes": self._worker.engine_pids(),
            "running": current.id if current else None,
            "queued": self._queue.count(JobState.QUEUED),
            "roots": [str(root) for root in self.settings.roots],
            "store": str(self.settings.store),
            "free_bytes": free,
            "osc_port": self.settings.osc_port,
            "websocket_port": self.settings.websocket_port,
        }
        text = (
            f"ACE Bridge {VERSION}, engine {self.settings.engine}, {data['queued']} jobs waiting, "
            f"{'1 running' if current else 'none running'}, {free / 2**30:.0f} GB free."
        )
        return _understood(request, text, data)

    async def _engines(self, request: requests.ListEngines, client: Client) -> Answer:
        data = {name: engine_json(self.describe(name)) for name in self.settings.engines}
        lines = [f"{name}: {', '.join(entry['can'])}" for name, entry in data.items()]
        return _understood(request, "; ".join(lines), {"engines": data})

    async def _verify(self, request: requests.VerifyStore, client: Client) -> Answer:
        missing = {
            digest for digest in self.store.index.referenced_digests() if not self.store.blobs.has(digest)
        }
        damaged = await asyncio.to_thread(self.store.blobs.verify)
        found = [f"{path.name} is damaged." for path in damaged] + [
            f"{entry} is missing." for entry in missing
        ]
        text = (
            f"{len(found)} problems: {' '.join(found)}"
            if found
            else "Everything in the store is as it was written."
        )
        return _understood(request, text[:2000], {"problems": found})

    async def _sweep(self, request: requests.SweepStore, client: Client) -> Answer:
        keep = self.store.index.referenced_digests()
        removed = await asyncio.to_thread(self.store.blobs.sweep, keep, SWEEP_GRACE_SECONDS, self._clock())
        return _understood(
            request, f"{len(removed)} unused audio files were removed.", {"removed": len(removed)}
        )


# Songs of waiting jobs are referred to by no take yet: what is younger than a day stays.
SWEEP_GRACE_SECONDS = 24 * 3600.0


def context_words(request: Request) -> str:
    """What a context message was taken to mean."""
    if isinstance(request, requests.SetTempo) and request.tempo_map is not None:
        points = [
            f"{float(point.bpm):g} BPM from quarter note {float(point.quarter):g}"
            + (" moving to the next" if point.ramp else "")
            for point in request.tempo_map.points
        ]
        return f"{len(points)} tempos: {', '.join(points)}"[:500]
    values = [f"{name} {given}" for name, given in request.to_fields().items() if name not in UNTOLD]
    return ", ".join(values)[:500] or "forgotten"


UNTOLD = {"id", "reply_port", "client"}


def about(take: Take) -> dict[str, Any]:
    """A take as `takes.list` tells it."""
    return {
        "take": take.id,
        "job": take.job,
        "number": take.number,
        "task": take.task,
        "stem": take.stem,
        "title": take.title,
        "song": take.parent,
        "audio": take.audio,
        "origin": take.origin,
        "position": take.position,
        "length": take.length,
        "rate": take.rate,
        "created": take.created,
        "receipt": dict(take.receipt),
        "handles": take.handles is not None,
        "attachments": [entry.name for entry in take.attachments],
    }


def engine_json(description: EngineDescription) -> dict[str, Any]:
    """An engine's description, with the reason and remedy of everything it cannot do."""
    capabilities = [description.capability(task) for task in Task]
    return {
        "label": description.label,
        "neural": description.neural,
        "can": [entry.task.value for entry in capabilities if entry.available],
        "cannot": {
            entry.task.value: f"{entry.reason} {entry.remedy}".strip()
            for entry in capabilities
            if not entry.available
        },
        "layers": ["all", *description.layers],
        "stems": list(description.stems),
        "instruments": list(description.instruments),
        "options": dict(description.options),
        "max_seconds": description.max_seconds,
        "weights": description.weights,
    }


def _understood(request: Request, text: str, data: Mapping[str, Any]) -> Answer:
    command: Command = BY_REQUEST[type(request)]
    return Answer((Understood(id=request.id, command=command.name, text=text[:2000]),), dict(data))


def _no_job(name: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.UNKNOWN_JOB, f"There is no job {name!r}.", "jobs.list shows the jobs there are.", "job"
    )
