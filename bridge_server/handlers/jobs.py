"""Questions about jobs: listing, showing and cancelling them, and answering a repeated request from memory."""

from __future__ import annotations

import asyncio
from typing import Any

from bridge_server.handlers.response import Response, understood
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.jobs.replies import ending, take_ready
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.client import Client
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Acknowledged, Reply

MAX_TAKES_OF_A_JOB = 1000


class JobHandlers:
    """What the server says of the jobs it has."""

    def __init__(self, queue: JobQueue, store: ClipStore, audience: Audience, worker: RenderWorker) -> None:
        self._queue = queue
        self._store = store
        self._audience = audience
        self._worker = worker

    async def list(self, request: requests.ListJobs, _: Client) -> Response:
        jobs = self._queue.newest(JobState(request.state) if request.state else None, request.limit)
        lines = "; ".join(f"{job.id} {job.command} {job.state.value}" for job in jobs)
        return understood(
            request, lines or "There are no jobs.", {"jobs": [self._about(job) for job in jobs]}
        )

    async def show(self, request: requests.ShowJob, client: Client) -> Response:
        job = self._find(request.job, client)
        takes = await self._takes(job)
        data = {**self._about(job), "takes": [take.to_fields() for take in takes]}
        answer = understood(request, f"{job.command} {job.state.value}", data)
        last = (ending(job, len(takes)),) if job.state.terminal else answer.replies
        return Response((*takes, *last), data)

    async def cancel(self, request: requests.Cancel, client: Client) -> Response:
        job = self._find(request.job, client)
        if job.state.terminal:
            return understood(request, f"Job {job.id} was {job.state.value} already.", {"job": job.id})
        self._audience.add(job.id, client)  # who stops a job hears that it has stopped
        if not self._worker.cancel(job, "Cancelled on request."):
            return understood(request, f"Job {job.id} was {job.state.value} already.", {"job": job.id})
        return understood(request, f"Job {job.id} is being cancelled.", {"job": job.id})

    async def again(self, job: Job, client: Client) -> Response:
        """The first answer once more: how the job stands, and what it gave if it has ended."""
        note = "This id was used before, so nothing new is rendered. Use a new id for a new render."
        first = acknowledged(job, note)
        if not job.state.terminal:
            self._audience.add(job.id, client)
            return first
        takes = await self._takes(job)
        data = {**first.data, "takes": [take.to_fields() for take in takes]}
        return Response((*first.replies, *takes, ending(job, len(takes))), data)

    def _about(self, job: Job) -> dict[str, Any]:
        """The job, and how far it is if it runs."""
        progress = self._audience.progress(job.id)
        if progress is None:
            return job.to_json()
        told = {name: getattr(progress, name) for name in ("stage", "fraction", "seconds_left")}
        return {**job.to_json(), "progress": told}

    def _find(self, name: str, client: Client) -> Job:
        """The job by its own id, or by the id this client asked for it with. Raises ProtocolError."""
        job = self._queue.get(name) or self._queue.find(client.key, name)
        if job is None:
            raise ProtocolError(
                ErrorCode.UNKNOWN_JOB,
                f"There is no job {name!r}.",
                "jobs.list shows all jobs.",
                "job",
            )
        return job

    async def _takes(self, job: Job) -> tuple[Reply, ...]:
        """The job's takes in the order they came, their files written again where they were removed."""
        takes = list(reversed(self._store.index.list(job=job.id, limit=MAX_TAKES_OF_A_JOB)))
        paths = [await asyncio.to_thread(self._store.clip_path, take) for take in takes]
        return tuple(take_ready(job, take, path) for take, path in zip(takes, paths, strict=True))


def acknowledged(job: Job, note: str = "") -> Response:
    """The first reply to a request for audio."""
    reply = Acknowledged(id=job.request_id, job=job.id, state=job.state.value, note=note)
    return Response((reply,), reply.to_fields())
