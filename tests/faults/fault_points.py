"""A disk that becomes full at a chosen write of this process: the n-th write, sync, rename, new file or folder.

Works inside Python, for a server in a thread of the test's own: no module of the product knows of it. SQLite's writes
count by statement. What engines' processes write is not seen; `tests/disks.py` has real disks that fill.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WRITING = ("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT")


class FaultPoints:
    """Counts what is written below a folder. `fill` lets it fail from the n-th on, until `make_room`."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}{os.sep}"
        self._lock = threading.Lock()
        self._left: int | None = None  # points until the disk is full; None: it never is
        self._lasting = True
        self.count = 0
        self.hit = ""

    def fill(self, number: int, lasting: bool) -> None:
        """Fails at the point with this number from now, 1 being the next; lasting: and at all that follow."""
        with self._lock:
            self._left, self._lasting, self.hit = number, lasting, ""

    def make_room(self) -> None:
        with self._lock:
            self._left = None

    def reach(self, what: str, path: object) -> None:
        """Raises OSError where the disk is full."""
        if not self._concerns(path):
            return
        if self._is_full(f"{what} {os.path.basename(os.fsdecode(path))}"):  # type: ignore[arg-type]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def _concerns(self, path: object) -> bool:
        return isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(self._root)

    def _is_full(self, what: str) -> bool:
        with self._lock:
            self.count += 1
            if self._left is None:
                return False
            self._left -= 1
            full = self._left <= 0 if self._lasting else self._left == 0
            if full and not self.hit:
                self.hit = what
            return full

    @contextlib.contextmanager
    def installed(self) -> Iterator[FaultPoints]:
        """Watches everything this process does while the block runs."""
        before = {
            (owner, name): getattr(owner, name)
            for owner, name in (
                (builtins, "open"), (io, "open"), (os, "open"), (os, "fsync"), (os, "replace"), (os, "mkdir"),
                (sqlite3, "connect"),
            )
        }  # fmt: skip
        for (owner, name), real in before.items():
            setattr(owner, name, getattr(self, f"_{name}")(real, owner))
        try:
            yield self
        finally:
            for (owner, name), real in before.items():
                setattr(owner, name, real)

    def _open(self, real: Any, owner: Any) -> Any:
        if owner is os:

            def open_handle(path: Any, flags: int, *given: Any, **named: Any) -> Any:
                if flags & os.O_CREAT:
                    self.reach("open", path)
                return real(path, flags, *given, **named)

            return open_handle

        def open_file(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
            path = _path_of(file)
            if set(mode) & set("wxa+") and self._concerns(path):
                if path is file:
                    self.reach("open", path)
                return _WatchedFile(real(file, mode, *given, **named), self, path)
            return real(file, mode, *given, **named)

        return open_file

    def _fsync(self, real: Any, _: Any) -> Any:
        def fsync(handle: int) -> None:
            self.reach("sync", _path_of(handle) + os.sep)
            real(handle)

        return fsync

    def _replace(self, real: Any, _: Any) -> Any:
        def replace(source: Any, target: Any) -> None:
            self.reach("rename to", target)
            real(source, target)

        return replace

    def _mkdir(self, real: Any, _: Any) -> Any:
        def mkdir(path: Any, *given: Any, **named: Any) -> None:
            self.reach("make", path)
            real(path, *given, **named)

        return mkdir

    def _connect(self, real: Any, _: Any) -> Any:
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
                if statement.lstrip().startswith(_WRITING) and points._is_full(f"database: {statement[:40]}"):
                    if self.in_transaction:  # as SQLite does when a commit finds no room
                        super().execute("ROLLBACK")
                    raise sqlite3.OperationalError("database or disk is full")
                return super().execute(statement, *given)

        def connect(*given: Any, **named: Any) -> sqlite3.Connection:
            found: sqlite3.Connection = real(*given, factory=Connection, **named)
            return found

        return connect


class _WatchedFile:
    """A file that is being written."""

    def __init__(self, file: Any, points: FaultPoints, path: str) -> None:
        self._file, self._points, self._path = file, points, path

    def write(self, data: Any) -> Any:
        self._points.reach("write", self._path)
        return self._file.write(data)

    def __enter__(self) -> _WatchedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _path_of(file: Any) -> Any:
    """The path of an open file by its number; anything else as it is."""
    if not isinstance(file, int):
        return file
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/fd/{file}")
    return ""
