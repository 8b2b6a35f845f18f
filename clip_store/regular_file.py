"""Opens files in folders that other programs write to: only what is a file, never a pipe or device, nor a link where
that could lead out of the folder.

Opening a pipe waits for its other end, for ever if there is none; opening a link reads or writes wherever it leads.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import IO, BinaryIO

# Windows has neither flag, nor pipes in folders; its links are recognised before they are opened.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_CAREFUL = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# A folder on the way is only passed through: Linux then asks for no right to list it.
_FOLDER = _NO_LINK | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
_STEP_BY_STEP = os.open in os.supports_dir_fd


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


def open_regular(path: Path) -> BinaryIO:
    """A file for reading; links are followed. Raises OSError, also for anything that is no file."""
    return open(_checked(path, os.open(path, os.O_RDONLY | _CAREFUL)), "rb")


def open_below(path: Path, folder: Path) -> BinaryIO:
    """A file for reading, `folder` being above it: neither it nor a folder on the way down may be a link by now.

    Both paths are resolved. What is opened is what is looked at: there is no moment for a link to be put in between.
    Raises OSError, also for anything that is no file; ValueError when the folder is not above it.
    """
    down = path.relative_to(folder).parts
    if not down:
        raise _no_file(path)
    return open(_checked(path, _stepped(folder, down) if _STEP_BY_STEP else _compared(path)), "rb")


def _stepped(folder: Path, down: tuple[str, ...]) -> int:
    """Opens one name after the other, each in the folder that was opened before."""
    here = os.open(folder, _FOLDER & ~_NO_LINK)
    try:
        for part in down[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        return os.open(down[-1], os.O_RDONLY | _CAREFUL | _NO_LINK, dir_fd=here)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            raise _no_file(folder.joinpath(*down)) from error
        raise
    finally:
        os.close(here)


def _compared(path: Path) -> int:
    """For Windows, which opens nothing relative to a folder: the file that was opened must be the one that the path
    leads to without any link, afterwards."""
    handle = os.open(path, os.O_RDONLY | _CAREFUL)
    try:
        same = os.path.samestat(os.fstat(handle), os.lstat(path))
        if same and os.path.normcase(os.path.realpath(path)) == os.path.normcase(path):
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    raise _no_file(path)


def _opened(path: Path, flags: int, mode: str) -> IO[bytes]:
    if path.is_symlink():
        raise _no_file(path)
    try:
        handle = os.open(path, flags | _CAREFUL | _NO_LINK, 0o666)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ELOOP):  # a pipe nobody reads; a link put there just now
            raise _no_file(path) from error
        raise
    return open(_checked(path, handle), mode, buffering=0)


def _checked(path: Path, handle: int) -> int:
    """The handle, if it is a file's. Raises OSError, and closes it, if not."""
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    with contextlib.suppress(OSError):
        os.close(handle)
    raise _no_file(path)


def _no_file(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is a link, a pipe or a device, not a file", str(path))
