"""Requests about jobs."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request


@dataclass(frozen=True, kw_only=True)
class Cancel(Request):
    """Cancel a job, waiting or running; an export, which leaves no file then; a listening, store check or sweep."""

    job: str = value(
        Text(64, 1),
        "the job's id, or the id of the request that started the job, the export or the listening; `status` has those "
        "of all exports",
    )


@dataclass(frozen=True, kw_only=True)
class ListJobs(Request):
    """Jobs, newest first."""

    state: str | None = value(
        Choice(("queued", "running", "done", "failed", "cancelled")), "only jobs in this state", None
    )
    limit: int = value(Whole(1, 1000), "how many at most", 50)


@dataclass(frozen=True, kw_only=True)
class ShowJob(Request):
    """One job, with its takes."""

    job: str = value(Text(64, 1), "the job's id")
