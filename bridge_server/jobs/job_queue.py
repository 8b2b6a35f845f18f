"""The persistent queue: accepted jobs survive the server. Keeps jobs; rendering/worker.py runs them."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge_server.jobs.database import transaction
from bridge_server.jobs.job import NEXT_STATES, Job, JobState, named_songs
from bridge_server.sessions.client import PORT_MARK, Client
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # between attempts to record an end
MOST_VALUES = 500  # in one statement; SQLite allows 999 at least

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
    fingerprint TEXT NOT NULL DEFAULT '',
    songs TEXT NOT NULL DEFAULT '{}',
    UNIQUE (client, request_id)
);
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (state, priority DESC);
CREATE INDEX IF NOT EXISTS jobs_by_address ON jobs (reply_to);
"""
# The order of jobs is that of their rows: the clock may be set back while jobs wait.

COLUMNS = (
    "id", "client", "request_id", "command", "request", "state", "priority", "region_key", "reply_to",
    "attempts", "created", "started", "ended", "failure", "fingerprint", "songs",
)  # fmt: skip

LATER_COLUMNS = {
    "fingerprint": "",
    "songs": "{}",
}  # that stores of older versions lack, with what they have then


class JobQueue:
    """Jobs in the store's database. `most` waiting ones at a time.

    A job has one end. While the disk has no room for it, it is kept here and every question is answered from it;
    `write_ends` records it later.
    """

    def __init__(self, connection: sqlite3.Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        self._unwritten: dict[
            str, tuple[Job, JobState]
        ] = {}  # how jobs ended, and the state the database has
        connection.executescript(TABLE)
        there = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
        for name, default in LATER_COLUMNS.items():
            if name not in there:
                connection.execute(f"ALTER TABLE jobs ADD COLUMN {name} TEXT NOT NULL DEFAULT '{default}'")

    def add(self, job: Job, in_place_of: int = 0) -> None:
        """Accepts a job, which so many waiting ones will make room for. Raises ProtocolError when the queue is full."""
        waiting = self.count(JobState.QUEUED) - in_place_of
        if waiting >= self._most:
            raise ProtocolError(
                ErrorCode.QUEUE_FULL,
                f"{waiting} jobs are waiting; the queue is full.",
                "Wait for some to finish, or cancel some (jobs.list shows them).",
            )
        with transaction(self._connection) as connection:
            connection.execute(
                f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({marks(COLUMNS)})", to_row(job)
            )

    def get(self, job_id: str) -> Job | None:
        return self._one("SELECT * FROM jobs WHERE id = ?", job_id)

    def find(self, client: str, request_id: str) -> Job | None:
        """The job this client asked for under this name."""
        return self._one("SELECT * FROM jobs WHERE client = ? AND request_id = ?", client, request_id)

    def of_machine(self, machine: str, request_id: str) -> list[Job]:
        """Jobs that unnamed programs of a machine asked for under this name, newest first. machine: a Client.key."""
        rows = self._connection.execute(
            "SELECT * FROM jobs WHERE (client = ? OR client BETWEEN ? AND ?) AND request_id = ? ORDER BY rowid DESC",
            (machine, f"{machine}{PORT_MARK}", f"{machine}{PORT_MARK}99999", request_id),
        )
        return [self._as_it_is(row) for row in rows]

    def named(self, name: str, client: Client) -> Job:
        """The job with this id, or the one this client asked for under this name. Raises ProtocolError.

        Messages typed one by one come from other ports, so a name another program of the machine used counts as well.
        """
        job = self.get(name) or self.find(client.sender, name)
        if job is None:
            job = next(iter(self.of_machine(client.key, name)), None)
        if job is None:
            raise ProtocolError(
                ErrorCode.UNKNOWN_JOB, f"There is no job {name!r}.", "jobs.list shows all jobs.", "job"
            )
        return job

    def next_waiting(self, not_by: Collection[str] = ()) -> Job | None:
        """The job to render next: interactive before batch, older before newer. not_by: engines to leave out."""
        rows = self._connection.execute(
            "SELECT * FROM jobs WHERE state = 'queued' AND"
            f" coalesce(json_extract(request, '$.engine'), '') NOT IN ({marks(not_by)})"
            " ORDER BY priority DESC, rowid LIMIT ?",
            (*not_by, 1 + len(self._unwritten)),
        )
        return next(iter(self._in_state(rows, JobState.QUEUED)), None)

    def waiting_for(self, region_key: str) -> list[Job]:
        """Waiting jobs about the same region, which a newer request may replace."""
        rows = self._connection.execute(
            "SELECT * FROM jobs WHERE state = 'queued' AND region_key = ? ORDER BY rowid", (region_key,)
        )
        return self._in_state(rows, JobState.QUEUED)

    def newest(self, state: JobState | None = None, limit: int = 50, before: Job | None = None) -> list[Job]:
        """Newest first. before: only older ones than this."""
        older, values = "TRUE", tuple[str, ...]()
        if before is not None:
            older, values = "rowid < (SELECT rowid FROM jobs WHERE id = ?)", (before.id,)
        if state is None:
            rows = self._connection.execute(
                f"SELECT * FROM jobs WHERE {older} ORDER BY rowid DESC LIMIT ?", (*values, limit)
            )
            return [self._as_it_is(row) for row in rows]
        rows = self._connection.execute(
            f"SELECT * FROM jobs WHERE {older} AND (state = ? OR id IN ({marks(self._unwritten)}))"
            " ORDER BY rowid DESC LIMIT ?",
            (*values, state.value, *self._unwritten, limit + len(self._unwritten)),
        )
        return self._in_state(rows, state)[:limit]

    def prompts_for(self, sources: Sequence[str]) -> list[tuple[str, str, str, float]]:
        """The prompts of the newest jobs about a song under any of its names: prompt, lyrics, command, time.

        No names: those of jobs without a song.
        """
        rows = self._connection.execute(
            "SELECT json_extract(request, '$.prompt') AS prompt, coalesce(json_extract(request, '$.lyrics'), ''),"
            f" command, created FROM (SELECT * FROM jobs ORDER BY rowid DESC LIMIT {MOST_VALUES})"
            f" WHERE coalesce(json_extract(request, '$.source'), '') IN ({marks(sources or ('',))}) AND prompt != ''",
            tuple(sources) or ("",),
        )
        return [
            (str(prompt), str(lyrics), str(task), float(created)) for prompt, lyrics, task, created in rows
        ]

    def reply_addresses(self) -> set[str]:
        """Where the replies of unfinished jobs go."""
        rows = self._connection.execute("SELECT * FROM jobs WHERE state IN ('queued', 'running')")
        return {job.reply_to for row in rows if not (job := self._as_it_is(row)).state.terminal}

    def ended_for(self, addresses: Sequence[str]) -> list[Job]:
        """Ended jobs whose replies went to one of these addresses, oldest first."""
        found = []
        for first in range(0, len(addresses), MOST_VALUES):
            some = addresses[first : first + MOST_VALUES]
            rows = self._connection.execute(
                f"SELECT * FROM jobs WHERE reply_to IN ({marks(some)}) ORDER BY rowid", tuple(some)
            )
            found += [job for row in rows if (job := self._as_it_is(row)).state.terminal]
        return found

    def newest_of(self, state: JobState, command: str, engine: str, limit: int) -> list[Job]:
        """Jobs in a state, of one command and engine, newest first."""
        rows = self._connection.execute(
            "SELECT * FROM jobs WHERE state = ? AND command = ? AND json_extract(request, '$.engine') = ?"
            " ORDER BY rowid DESC LIMIT ?",
            (state.value, command, engine, limit),
        )
        return self._in_state(rows, state)

    def songs_in_use(self) -> dict[str, str]:
        """Sources and references of unfinished jobs, as the requests name them, each with such a job's id."""
        rows = self._connection.execute("SELECT * FROM jobs WHERE state IN ('queued', 'running')")
        jobs = [job for row in rows if not (job := self._as_it_is(row)).state.terminal]
        return {name: job.id for job in jobs for name in named_songs(job.request)}

    def count(self, state: JobState) -> int:
        found = self._connection.execute("SELECT COUNT(*) FROM jobs WHERE state = ?", (state.value,))
        moved = sum((job.state is state) - (before is state) for job, before in self._unwritten.values())
        return int(found.fetchone()[0]) + moved

    def move(self, job: Job, state: JobState, now: float, failure: Mapping[str, str] | None = None) -> Job:
        """The job in its next state, written in the caller's open transaction or in a new one.

        Raises ProtocolError when a new one cannot be written; an end is kept then, and raises nothing.
        """
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
            return moved
        try:
            with transaction(self._connection):
                self._write(moved, job.state)
        except ProtocolError as error:
            if not state.terminal:
                raise
            log.warning("job %s: its end is kept until it can be recorded: %s", job.id, error)
            self._unwritten[job.id] = (moved, job.state)
        return moved

    def note_cancelled(self, job: Job, reason: str) -> None:
        """Notes that a running job was cancelled: should the server die before its end, `resume` ends it so.

        Raises ProtocolError when it cannot be written.
        """
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE jobs SET failure = ? WHERE id = ? AND state = 'running'",
                (json.dumps({CANCELLED: reason}), job.id),
            )

    def write_ends(self) -> None:
        """Records how jobs ended, once the disk has room again."""
        try:
            for job, before in tuple(self._unwritten.values()):
                with transaction(self._connection):
                    self._write(job, before)
                del self._unwritten[job.id]
        except ProtocolError:  # reported when the end was kept
            return

    async def keep_writing_ends(self) -> None:
        """Records kept ends as soon as possible, until cancelled, and a last time then."""
        try:
            while True:
                await asyncio.sleep(RETRY_SECONDS)
                self.write_ends()
        finally:
            self.write_ends()

    def resume(self, now: float, attempts: int) -> tuple[list[Job], list[Job]]:
        """After a crash: running jobs go back to the queue, except those begun too often, which fail, and those that
        were being cancelled.

        Returns (requeued, ended).
        """
        requeued, given_up = [], []
        for job in self.newest(JobState.RUNNING, limit=1_000_000):
            if CANCELLED in job.failure:
                given_up.append(self.move(job, JobState.CANCELLED, now))
            elif job.attempts >= attempts:
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
        return self._as_it_is(row) if row else None

    def _as_it_is(self, row: sqlite3.Row) -> Job:
        """A row as a job, with an end that is not recorded yet."""
        kept = self._unwritten.get(row["id"])
        return kept[0] if kept else from_row(row)

    def _in_state(self, rows: Iterable[sqlite3.Row], state: JobState) -> list[Job]:
        return [job for row in rows if (job := self._as_it_is(row)).state is state]


def marks(values: Collection[str]) -> str:
    """Question marks for so many values of a statement."""
    return ", ".join("?" * len(values))


CANCELLED = "cancelled"  # in place of a failure, while a job that was cancelled still runs
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
    values["songs"] = json.dumps(dict(job.songs), ensure_ascii=False)
    values["state"] = job.state.value
    return tuple(values[name] for name in COLUMNS)


def from_row(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in COLUMNS}
    values["request"] = json.loads(values["request"])
    values["failure"] = json.loads(values["failure"])
    values["songs"] = json.loads(values["songs"])
    values["state"] = JobState(values["state"])
    return Job(**values)
