"""A folder for one demo alone: two at once would end each other's server and overwrite each other's results."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from daw_protocol.errors import ErrorCode, ProtocolError

LOCK = ".demo.lock"


@contextlib.contextmanager
def own_folder(wanted: Path) -> Iterator[Path]:
    """`wanted`, or where another demo runs in it, the first numbered one that is free; held while the block runs.

    Raises ProtocolError when it cannot be written.
    """
    for number in itertools.count(1):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / LOCK, timeout=0)
            lock.acquire()
        except Timeout:
            continue
        except OSError as error:
            raise ProtocolError(
                ErrorCode.STORE_FAILED,
                f"The demo cannot write into {folder}: {error.strerror}.",
                "Choose another folder with -o.",
            ) from error
        try:
            yield folder
        finally:
            lock.release()
        return
