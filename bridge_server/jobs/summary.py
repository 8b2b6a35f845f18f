"""What a store has done so far, in numbers: for a bug report, also while a server works on it.

Reads only, and nothing that a producer wrote.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from bridge_server.jobs.database import DatabaseError, open_to_read

FAILURES = 10


@dataclass(frozen=True)
class JobFailure:
    """A job that failed. ended: seconds since 1970."""

    job: str
    command: str
    code: str
    field: str
    attempts: int
    ended: float


@dataclass(frozen=True)
class StoreSummary:
    """format: the number of its database's schema; jobs: how many by (command, state); failures: newest first."""

    format: int
    takes: int
    jobs: dict[tuple[str, str], int]
    failures: tuple[JobFailure, ...]


def summary_of(database: Path) -> StoreSummary:
    """Raises ProtocolError when there is no such database, or it cannot be read."""
    with contextlib.closing(open_to_read(database)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return StoreSummary(version, _takes(connection), _jobs(connection), _failures(connection))


def _takes(connection: sqlite3.Connection) -> int:
    with contextlib.suppress(DatabaseError):  # a table that was never made
        return int(connection.execute("SELECT COUNT(*) FROM take").fetchone()[0])
    return 0


def _jobs(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    with contextlib.suppress(DatabaseError):
        rows = connection.execute("SELECT command, state, COUNT(*) FROM jobs GROUP BY command, state")
        return {(str(row[0]), str(row[1])): int(row[2]) for row in rows}
    return {}


def _failures(connection: sqlite3.Connection) -> tuple[JobFailure, ...]:
    with contextlib.suppress(DatabaseError):
        rows = connection.execute(
            "SELECT id, command, failure, attempts, ended FROM jobs WHERE state = 'failed' ORDER BY rowid DESC LIMIT ?",
            (FAILURES,),
        )
        return tuple(_failure(row) for row in rows)
    return ()


def _failure(row: sqlite3.Row) -> JobFailure:
    try:
        found = json.loads(row["failure"])
    except (TypeError, ValueError):
        found = {}
    code, field = (str(found.get(name, "")) if isinstance(found, dict) else "" for name in ("code", "field"))
    return JobFailure(
        str(row["id"]), str(row["command"]), code, field, int(row["attempts"]), float(row["ended"] or 0.0)
    )
