"""A store that a command reads by itself: nothing has to run for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bridge_server.errors import as_protocol_error
from bridge_server.jobs.database import (
    DATABASE,
    UNREADABLE,
    Connection,
    OperationalError,
    has_content,
    is_damage,
    open_database,
    open_to_read,
    refuse_without_its_takes,
    unreadable,
)
from clip_store.errors import ClipStoreError
from clip_store.index_schema import is_behind
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError


@contextlib.contextmanager
def stored(folder: Path) -> Iterator[ClipStore]:
    """The store in a folder, for reading, with or without a server on it, also on a disk that cannot be written.

    Written to only where an earlier version made it: it is brought forward, as a server would.
    Raises ProtocolError where there is none or a server would not use it either.
    """
    path = folder / DATABASE
    refuse_without_its_takes(path)
    if not has_content(path):
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"There is no store in {folder} yet.",
            "Render a take first, or name another store with --store.",
        )
    with contextlib.closing(_opened(path)) as connection:
        try:
            found = ClipStore(folder, connection)
        except ClipStoreError as error:
            raise as_protocol_error(error) from error
        except UNREADABLE as error:
            raise unreadable(path, error) from error
        try:
            yield found
        except UNREADABLE as error:
            if not is_damage(error):
                raise
            raise unreadable(path, error) from error


def _opened(path: Path) -> Connection:
    connection = open_to_read(path)
    try:
        if not is_behind(connection):
            return connection
        current = open_database(path)
    except UNREADABLE as error:
        connection.close()
        raise unreadable(path, error) from error
    except ProtocolError as error:
        if isinstance(error.__cause__, OSError | OperationalError):
            return connection  # on a disk that cannot be written: what the earlier version kept is read
        connection.close()
        raise
    connection.close()
    return current
