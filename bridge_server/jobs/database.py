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
from clip_store.blobs import from_path
from clip_store.store import blobs_in
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
OperationalError = sqlite3.OperationalError
# The second is what a damaged file ends in when sqlite3 quotes it.
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)


def open_database(path: Path) -> Connection:
    """The database at `path`, created where there is no store yet. Raises ProtocolError when it cannot be used."""
    try:
        refuse_without_its_takes(path)
        make_folder(path.parent)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        # FULL: a commit is on the disk when it returns, so that what is acknowledged after it survives a power cut.
        # With NORMAL only checkpoints are synced. WAL makes it one sync of one file.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except (OSError, *UNREADABLE) as error:
        raise _unusable(
            path, error, "Check that the folder is writable, or start with another --store."
        ) from error
    if version > SCHEMA_VERSION:
        connection.close()
        raise _newer(path, version)
    try:
        _migrate(connection, version)
    except UNREADABLE as error:
        connection.close()
        if not isinstance(error, sqlite3.OperationalError):
            raise _damaged(path) from error
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
        except UNREADABLE as error:
            problem = error
    assert problem is not None, "one of the two ways would have returned"
    raise unreadable(path, problem)


def problem_of(path: Path) -> ProtocolError | None:
    """Why a server could not use this database; None where it can, or would make a new one. Changes nothing."""
    try:
        refuse_without_its_takes(path)
        if not has_content(path):
            return None
        with contextlib.closing(open_to_read(path)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                return _newer(path, version)
            whole = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            return None if whole else _damaged(path)
    except ProtocolError as problem:
        return problem
    except (OSError, *UNREADABLE) as error:
        return unreadable(path, error)


def has_content(path: Path) -> bool:
    """Whether there is a database at `path`, not only an empty file that was about to become one."""
    return path.exists() and (path.stat().st_size > 0 or path.with_name(f"{path.name}-wal").exists())


def refuse_without_its_takes(path: Path) -> None:
    """Raises ProtocolError where there is a store's audio and no database of it: a new one would know none of its
    takes, and a sweep would remove their audio as needed by nobody.
    """
    if has_content(path):
        return
    if not any(from_path(file) for file in blobs_in(path.parent).root.glob("*/*")):
        return
    raise ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The store {path.parent} has audio, but {path.name}, which knows the takes, is missing or empty.",
        # A -wal left here would be played into the copy without a word, and undo takes in it.
        "Move its -wal and -shm files away if any are left here. Then copy it, with its own -wal file if it has one, "
        "from where the store was before, or start with another --store.",
    )


def is_damage(error: Exception) -> bool:
    """Whether sqlite3 met a damaged file; its errors of other kinds are a disk's, or bugs of ours."""
    return type(error) is sqlite3.DatabaseError or isinstance(error, UnicodeDecodeError)


def unreadable(path: Path, error: Exception) -> ProtocolError:
    """What a client gets when the database at `path` cannot be looked at."""
    return _unusable(path, error, "Check that it is there and readable, or name another store with --store.")


def _unusable(path: Path, error: Exception, remedy: str) -> ProtocolError:
    if isinstance(error, OSError | sqlite3.OperationalError):
        return ProtocolError(
            ErrorCode.STORE_FAILED, f"The store's database {path} cannot be opened: {error}.", remedy
        )
    return _damaged(path)


def _damaged(path: Path) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The store's database {path} is damaged.",
        # As above: what was left of the damaged one must not be played into the copy.
        "Move it away, with its -wal and -shm files if there are any. Then put a copy back, with the copy's own -wal "
        "file if it has one, or start with another --store. "
        "The sound of its takes is still in its folders blobs and clips.",
    )


def _newer(path: Path, version: int) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The store {path.parent} was written by a newer Takebridge (format {version}).",
        "Update Takebridge, or start with another --store.",
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
