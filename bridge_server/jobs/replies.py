"""Replies about a job: its takes, and how it ended."""

from __future__ import annotations

from pathlib import Path

from bridge_server.jobs.job import Job, JobState
from clip_store.take import Take
from daw_protocol.errors import unicode_only
from daw_protocol.replies import Cancelled, Done, Failed, Reply, TakeReady


def take_ready(job: Job, take: Take, path: Path) -> TakeReady:
    """The reply for a finished take."""
    warnings = take.receipt.warnings
    return TakeReady(
        id=job.request_id,
        job=job.id,
        take=take.id,
        number=take.number,
        stem=take.stem,
        position=take.position,
        length=take.length,
        rate=take.rate,
        seed=take.recipe.seed or 0,
        passed=not warnings,
        warning=warnings[0] if warnings else "",
        path=unicode_only(str(path)),
    )


def ending(job: Job, takes: int) -> Reply:
    """The terminal reply of a job that has ended."""
    if job.state is JobState.DONE:
        return Done(id=job.request_id, job=job.id, takes=takes)
    if job.state is JobState.CANCELLED:
        return Cancelled(id=job.request_id, job=job.id)
    return Failed(id=job.request_id, job=job.id, **job.failure)
