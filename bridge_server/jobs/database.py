"""The one SQLite file of a store: jobs (job_queue.py) and the clip index (clip_store.index) side by side.

One file, because a finished take and the state of its job are committed in one transaction: after a kill -9 there
is either both or neither. Used from the event loop's thread only.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from clip_store.atomic_file import make_folder
from daw_protocol.errors import ErrorCode, ProtocolError

DATABASE = "store.sqlite3"
"""The file's name in a store's folder."""

# What changes a store of an earlier version into the next one, from 1 on. Tables are made by those who own them.
MIGRATIONS = {
    1: "DROP INDEX IF EXISTS jobs_by_state; DROP INDEX IF EXISTS jobs_by_age;",  # jobs follow their rows, not the clock
}
SCHEMA_VERSION = 1 + len(MIGRATIONS)

Connection = sqlite3.Connection
DatabaseError = sqlite3.Error


def open_database(path: Path) -> Connection:
    """The database at `path`, created when missing. Raises ProtocolError when it cannot be used."""
    try:
        make_folder(path.parent)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        # FULL: a commit is on the disk when it returns, so that what is acknowledged after it survives a power cut.
        # With NORMAL only checkpoints are synced. WAL makes it one sync of one file.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except (OSError, sqlite3.Error) as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store's database {path} cannot be opened: {error}.",
            "Check that the folder is writable, or start with another --store.",
        ) from error
    if version > SCHEMA_VERSION:
        connection.close()
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store {path.parent} was written by a newer Takebridge (format {version}).",
            "Update Takebridge, or start with another --store.",
        )
    try:
        _migrate(connection, version)
    except sqlite3.Error as error:
        connection.close()
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store's database {path} cannot be brought to this version's format: {error}.",
            "Check that the disk has room and the folder is writable, then start again, or use another --store.",
        ) from error
    return connection


def open_to_read(path: Path) -> Connection:
    """An existing database, for reading only: also on a disk that cannot be written. Raises ProtocolError."""
    problem: Exception | None = None
    # A disk that cannot be written has no place for the files through which readers and writers share a database.
    # Nobody else can write to it then either.
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        try:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.Error as error:
            problem = error
    raise ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The store's database {path} cannot be read: {problem}.",
        "Check that it is there and readable, or name another store with --store.",
    )


def _migrate(connection: Connection, version: int) -> None:
    """Brings a database to SCHEMA_VERSION, one step and one transaction at a time; 0 is a new one."""
    for step in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[step]} PRAGMA user_version={step + 1}; COMMIT;"
        )
    if version == 0:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[Connection]:
    """All statements inside, or none of them. Raises ProtocolError when the disk fails."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled it back already
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The store's database could not be written: {error}.",
            "Free some disk space or check the folder's permissions, then try again.",
        ) from error


def database_failed(error: DatabaseError) -> ProtocolError:
    """What a client gets when the database cannot be read."""
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The store's database could not be read: {error}.",
        "Try again. If that does not help, check the disk, then restart the server.",
    )
