"""Opens files in folders that other programs write to: only what is a file, never a link, pipe or device.

Opening a pipe waits for its other end, for ever if there is none; opening a link reads or writes wherever it leads.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

# Windows has neither flag, nor pipes in folders; its links are recognised before they are opened.
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_regular(path: Path, most_bytes: int) -> bytes:
    """The first bytes of a file, `most_bytes` at most. Raises OSError, also for anything that is no file."""
    with _opened(path, os.O_RDONLY, "rb") as file:
        return file.read(most_bytes)


def append_regular(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Adds all of these bytes to a file or none; makes the file where there is none. Raises OSError like read_regular.

    durable: the bytes are on the disk when this returns; a new file's name is once its folder is synced.
    """
    with _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, "ab") as file:
        size = os.fstat(file.fileno()).st_size
        written = file.write(data)
        if written < len(data):  # the disk became full within it
            os.ftruncate(file.fileno(), size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if durable:
            os.fsync(file.fileno())


def _opened(path: Path, flags: int, mode: str) -> IO[bytes]:
    if path.is_symlink():
        raise _no_file(path)
    try:
        handle = os.open(path, flags | _CAREFUL, 0o666)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ELOOP):  # a pipe nobody reads; a link put there just now
            raise _no_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _no_file(path)
    return open(handle, mode, buffering=0)


def _no_file(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is a link, a pipe or a device, not a file", str(path))
