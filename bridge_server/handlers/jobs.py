"""Questions about jobs: listing, showing and cancelling them, and answering a repeated request from memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TypeVar

from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.running_requests import RunningRequest, RunningRequests
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.jobs.replies import analysed, ending, planned, take_ready
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.client import Client
from bridge_server.songs.plans import Plans
from bridge_server.songs.song_tempos import SongTempos
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.errors import ProtocolError
from daw_protocol.replies import Acknowledged, Analysed, Planned, Reply, TakeReady
from daw_protocol.results import (
    MAX_LISTED_VALUE,
    Accepted,
    CancelledJob,
    JobList,
    JobRecord,
    JobStage,
    JobWithTakes,
)

MAX_TAKES_OF_A_JOB = 1000
PAGE = 10  # jobs that are read and made into records in one go; a request with a long tempo map has 400 KB

Recorded = TypeVar("Recorded", bound=JobRecord)


class JobHandlers:
    """Requests about jobs."""

    def __init__(
        self,
        queue: JobQueue,
        store: ClipStore,
        audience: Audience,
        worker: RenderWorker,
        tempos: SongTempos,
        plans: Plans,
        running: RunningRequests,
    ) -> None:
        self._queue = queue
        self._store = store
        self._audience = audience
        self._worker = worker
        self._tempos = tempos
        self._plans = plans
        self._running = running

    async def list(self, request: requests.ListJobs, _: Client) -> Response:
        state = JobState(request.state) if request.state else None
        records: list[JobRecord] = []
        last = None
        while len(records) < request.limit:
            jobs = self._queue.newest(state, min(PAGE, request.limit - len(records)), last)
            if not jobs:
                break
            last = jobs[-1]
            records += [self._record(JobRecord, job, request=short_of(job.request)) for job in jobs]
            await asyncio.sleep(0)  # others have their turn
        lines = "; ".join(f"{record.job} {record.command} {record.state}" for record in records)
        return understood(request, lines or "There are no jobs.", JobList(jobs=tuple(records)))

    async def show(self, request: requests.ShowJob, client: Client) -> Response:
        job = self._queue.named(request.job, client)
        takes = await self._takes(job)
        result = self._record(JobWithTakes, job, takes=takes, **self._words(job))
        answer = understood(request, f"{job.command} {job.state.value}", result)
        last = (ending(job, len(takes)),) if job.state.terminal else answer.replies
        return Response((*takes, *self._found(job), *last), result)

    async def cancel(self, request: requests.Cancel, client: Client) -> Response:
        if running := self._running.of_client(request.job, client):
            return self._ended(request, running)
        try:
            job = self._queue.named(request.job, client)
        except ProtocolError:
            other = self._running.of_machine(request.job, client) or self._running.of_anyone(request.job)
            if other is not None:
                return self._ended(request, other)
            raise
        result = CancelledJob(job=job.id)
        if job.state.terminal:
            return understood(request, f"Job {job.id} was {job.state.value} already.", result)
        self._audience.add(job.id, client)  # who cancels a job is sent its end
        if not self._worker.cancel(job, "Cancelled on request."):
            return understood(request, f"Job {job.id} was {job.state.value} already.", result)
        return understood(request, f"Job {job.id} is being cancelled.", result)

    def _ended(self, request: requests.Cancel, running: RunningRequest) -> Response:
        self._running.cancel(running)
        return understood(request, running.ending, CancelledJob(job=running.id))

    async def again(self, job: Job, client: Client) -> Response:
        """The first answer once more: how the job stands, and what it gave if it has ended."""
        note = "This id was used before, so nothing new is rendered. Use a new id for a new render."
        if not job.state.terminal:
            self._audience.add(job.id, client)
            return acknowledged(job, note)
        takes = await self._takes(job)
        first = acknowledged(job, note, takes)
        return Response((*first.replies, *takes, *self._found(job), ending(job, len(takes))), first.result)

    async def outcome(self, job: Job) -> tuple[Reply, ...]:
        """All that an ended job's client gets after the acknowledgement: its takes, and how it ended."""
        takes = await self._takes(job)
        return (*takes, *self._found(job), ending(job, len(takes)))

    def _words(self, job: Job) -> dict[str, object]:
        """What a job found in a song or planned, as its record has it."""
        plans = tuple(self._plans.of_job(job.id).values())
        return {"analysis": self._tempos.found_by(job.id), "blueprints": plans}

    def _found(self, job: Job) -> tuple[Analysed | Planned, ...]:
        """The replies with what a job found in a song or planned, where it is such a job and has."""
        plans = self._plans.of_job(job.id).items()
        found = self._tempos.found_by(job.id)
        told = () if found is None else (analysed(job, found),)
        return (*told, *(planned(job, number, one) for number, one in plans))

    def _record(self, kind: type[Recorded], job: Job, **more: object) -> Recorded:
        """The job as clients see it, with how far it is while it runs."""
        progress = self._audience.progress(job.id)
        fields: dict[str, object] = {
            "job": job.id, "id": job.request_id, "client": job.client, "command": job.command,
            "state": job.state.value, "request": job.request, "created": job.created, "started": job.started,
            "ended": job.ended, "failure": job.failure if job.state is JobState.FAILED else {},
        }  # fmt: skip
        if progress is not None:
            fields["progress"] = JobStage(
                stage=progress.stage, fraction=progress.fraction, seconds_left=progress.seconds_left
            )
        return kind.from_fields({**fields, **more})

    async def _takes(self, job: Job) -> tuple[TakeReady, ...]:
        """The job's takes in the order they came, their files written again where they were removed."""
        takes = list(reversed(self._store.index.list(job=job.id, limit=MAX_TAKES_OF_A_JOB)))
        paths = [await asyncio.to_thread(self._store.clip_path, take) for take in takes]
        return tuple(take_ready(job, take, path) for take, path in zip(takes, paths, strict=True))


def short_of(request: Mapping[str, object]) -> dict[str, object]:
    """A request as a list has it: without lyrics, tempo maps and whatever else is long. A thousand stay small."""
    return {name: given for name, given in request.items() if len(json.dumps(given)) <= MAX_LISTED_VALUE}


def acknowledged(job: Job, note: str = "", takes: tuple[TakeReady, ...] | None = None) -> Response:
    """The first reply to a request for audio, and the same as a result."""
    first = {"id": job.request_id, "job": job.id, "state": job.state.value, "note": note}
    return Response((Acknowledged.from_fields(first),), Accepted.from_fields({**first, "takes": takes}))
