"""The persistent queue: accepted jobs survive the server. Keeps jobs; rendering/worker.py runs them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from bridge_server.jobs.database import transaction
from bridge_server.jobs.job import NEXT_STATES, Job, JobState
from daw_protocol.errors import ErrorCode, ProtocolError

TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    request_id TEXT NOT NULL,
    command TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    region_key TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    failure TEXT NOT NULL,
    UNIQUE (client, request_id)
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, priority DESC, created);
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (created);
"""

COLUMNS = (
    "id", "client", "request_id", "command", "request", "state", "priority", "region_key", "reply_to",
    "attempts", "created", "started", "ended", "failure",
)  # fmt: skip


class JobQueue:
    """Jobs in the store's database. `most` waiting ones at a time."""

    def __init__(self, connection: sqlite3.Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        connection.executescript(TABLE)

    def add(self, job: Job, in_place_of: int = 0) -> None:
        """Accepts a job, which so many waiting ones will make room for. Raises ProtocolError when the queue is full."""
        waiting = self.count(JobState.QUEUED) - in_place_of
        if waiting >= self._most:
            raise ProtocolError(
                ErrorCode.QUEUE_FULL,
                f"{waiting} jobs are waiting; the queue is full.",
                "Wait for some to finish, or cancel some (jobs.list shows them).",
            )
        marks = ", ".join("?" * len(COLUMNS))
        with transaction(self._connection) as connection:
            connection.execute(f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({marks})", to_row(job))

    def get(self, job_id: str) -> Job | None:
        return self._one("SELECT * FROM jobs WHERE id = ?", job_id)

    def find(self, client: str, request_id: str) -> Job | None:
        """The job this client asked for under this name."""
        return self._one("SELECT * FROM jobs WHERE client = ? AND request_id = ?", client, request_id)

    def named(self, name: str, client: str) -> Job:
        """The job with this id, or the one this client asked for under this name. Raises ProtocolError."""
        job = self.get(name) or self.find(client, name)
        if job is None:
            raise ProtocolError(
                ErrorCode.UNKNOWN_JOB, f"There is no job {name!r}.", "jobs.list shows all jobs.", "job"
            )
        return job

    def next_waiting(self, not_by: Collection[str] = ()) -> Job | None:
        """The job to render next: interactive before batch, older before newer. not_by: engines to leave out."""
        marks = ", ".join("?" * len(not_by))
        return self._one(
            "SELECT * FROM jobs WHERE state = 'queued' AND"
            f" coalesce(json_extract(request, '$.engine'), '') NOT IN ({marks})"
            " ORDER BY priority DESC, created, rowid LIMIT 1",
            *not_by,
        )

    def waiting_for(self, region_key: str) -> list[Job]:
        """Waiting jobs about the same region, which a newer request may replace."""
        rows = self._connection.execute(
            "SELECT * FROM jobs WHERE state = 'queued' AND region_key = ? ORDER BY created", (region_key,)
        )
        return [from_row(row) for row in rows]

    def newest(self, state: JobState | None = None, limit: int = 50) -> list[Job]:
        """Newest first."""
        where = "WHERE state = ?" if state else ""
        values: tuple[Any, ...] = (state.value, limit) if state else (limit,)
        rows = self._connection.execute(
            f"SELECT * FROM jobs {where} ORDER BY created DESC, rowid DESC LIMIT ?", values
        )
        return [from_row(row) for row in rows]

    def songs_in_use(self) -> dict[str, str]:
        """Sources and references of unfinished jobs, as the requests name them, each with such a job's id."""
        rows = self._connection.execute("SELECT * FROM jobs WHERE state IN ('queued', 'running')")
        jobs = [from_row(row) for row in rows]
        named = [(job.request.get(name), job.id) for job in jobs for name in ("source", "reference")]
        return {name: job for name, job in named if isinstance(name, str)}

    def count(self, state: JobState) -> int:
        found = self._connection.execute("SELECT COUNT(*) FROM jobs WHERE state = ?", (state.value,))
        return int(found.fetchone()[0])

    def move(self, job: Job, state: JobState, now: float, failure: Mapping[str, str] | None = None) -> Job:
        """The job in its next state, written in the caller's open transaction or in a new one."""
        if state not in NEXT_STATES[job.state]:
            raise ValueError(f"job {job.id} is {job.state.value} and cannot become {state.value}")
        moved = replace(
            job,
            state=state,
            started=now if state is JobState.RUNNING else job.started,
            ended=now if state.terminal else None,
            attempts=job.attempts + (state is JobState.RUNNING),
            failure=dict(failure or {}),
        )
        if self._connection.in_transaction:
            self._write(moved, job.state)
        else:
            with transaction(self._connection):
                self._write(moved, job.state)
        return moved

    def resume(self, now: float, attempts: int) -> tuple[list[Job], list[Job]]:
        """After a crash: running jobs go back to the queue, except those begun too often, which fail.

        Returns (requeued, given up).
        """
        requeued, given_up = [], []
        for job in self.newest(JobState.RUNNING, limit=1_000_000):
            if job.attempts >= attempts:
                given_up.append(self.move(job, JobState.FAILED, now, GAVE_UP | {"sentence": gave_up(job)}))
            else:
                requeued.append(self.move(job, JobState.QUEUED, now))
        return requeued, given_up

    def _write(self, job: Job, before: JobState) -> None:
        changes = (job.state.value, job.started, job.ended, job.attempts, json.dumps(dict(job.failure)))
        found = self._connection.execute(
            "UPDATE jobs SET state = ?, started = ?, ended = ?, attempts = ?, failure = ?"
            " WHERE id = ? AND state = ?",
            (*changes, job.id, before.value),
        )
        if found.rowcount != 1:
            raise ValueError(f"job {job.id} is not {before.value} any more")

    def _one(self, statement: str, *values: Any) -> Job | None:
        row = self._connection.execute(statement, values).fetchone()
        return from_row(row) if row else None


GAVE_UP = {
    "code": ErrorCode.ENGINE_DIED.value,
    "remedy": "Try fewer takes or a shorter region. The server's log has the details.",
    "field": "",
}


def gave_up(job: Job) -> str:
    return f"The server stopped {job.attempts} times while rendering this."


def to_row(job: Job) -> tuple[Any, ...]:
    values = {name: getattr(job, name) for name in COLUMNS}
    values["request"] = json.dumps(dict(job.request), ensure_ascii=False)
    values["failure"] = json.dumps(dict(job.failure), ensure_ascii=False)
    values["state"] = job.state.value
    return tuple(values[name] for name in COLUMNS)


def from_row(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in COLUMNS}
    values["request"] = json.loads(values["request"])
    values["failure"] = json.loads(values["failure"])
    values["state"] = JobState(values["state"])
    return Job(**values)
