"""Files that are there whole or not at all.

A file is written under another name in the same folder, flushed to the disk and then renamed, so that a
crash, a full disk or a second writer never leaves half of it under its real name. Knows nothing of audio.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from clip_store.errors import StoreError
from clip_store.file_clock import file_clock

PART_SUFFIX = ".part"
"""How the name of an unfinished file ends; whatever is called so and is old may be removed."""

PART_SECONDS = 24 * 3600.0
"""So old a file is not being written any more: longer than any write takes, by any program."""

_PART = re.compile(rf"\.[0-9a-f]{{16}}{re.escape(PART_SUFFIX)}")

# Both only save repeated work: a folder that two threads handle at once is handled twice.
_swept: set[Path] = set()
_durable: set[Path] = set()

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a disk says that has no room."""

_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write the parts, in order, to path; the file appears whole or not at all, replacing what was there.

    Raises StoreError when the disk is full, the folder cannot be written or cannot be made.
    """
    with whole_file(path) as temporary, open(temporary, "xb") as file:
        for part in parts:
            file.write(part)


def temporary_path(path: Path) -> Path:
    """A name next to `path` that `sweep_parts` recognises if a crash leaves it behind."""
    # Not made from the real name: that may be as long as names can be.
    return path.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name next to `path` to write the file under; renamed when the block succeeds.

    Raises StoreError when the disk is full, the folder cannot be written or cannot be made.
    """
    temporary = temporary_path(path)
    try:
        make_folder(path.parent)
        _sweep_once(path.parent)
        yield temporary
        sync_file(temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise store_error(path, error) from error
    finally:
        # After the rename there is nothing left to remove; on the way of any failure there may be.
        with contextlib.suppress(OSError):
            temporary.unlink()


def publish(finished: Path, names: Iterable[Path]) -> Path:
    """Give a finished temporary file the first of these names that nothing has; returns it.

    Nothing is overwritten, whoever else writes into the folder meanwhile. The names never end. Raises OSError.
    """
    sync_file(finished)
    for path in names:
        try:
            os.link(finished, path)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if path.exists():
                continue
            os.replace(finished, path)
        else:
            finished.unlink()
        sync_folder(path.parent)
        return path
    raise AssertionError("there is always a next name")


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it where they are missing. They are on the disk when this returns.

    Raises OSError.
    """
    if folder in _durable and folder.is_dir():
        return
    made = [folder]
    while not made[-1].parent.exists():
        made.append(made[-1].parent)
    folder.mkdir(parents=True, exist_ok=True)
    for new in reversed(made):
        sync_folder(new.parent)
    _durable.add(folder)


def sweep_parts(folder: Path, now: float) -> list[Path]:
    """Removes unfinished files that a crash left in a folder more than a day before `now` (seconds since 1970).

    Returns what was removed. What cannot be removed stays.
    """
    removed = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not _PART.fullmatch(entry.name):
                continue
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and now - status.st_mtime > PART_SECONDS:
                    os.unlink(entry.path)
                    removed.append(Path(entry.path))
    return removed


def _sweep_once(folder: Path) -> None:
    """Whoever writes into a folder removes what a crash left there, once in the life of a process."""
    if folder not in _swept:
        _swept.add(folder)
        sweep_parts(folder, file_clock())


def store_error(path: Path, error: OSError) -> StoreError:
    """An operating system's refusal to write `path`, in words."""
    if error.errno in FULL:
        return StoreError(
            f"The disk is full: {path.name} could not be written to {path.parent}.",
            "Free some space (or move the store to another disk) and ask again.",
        )
    if error.errno in _READ_ONLY:
        return StoreError(
            f"{path.parent} is read-only: {path.name} could not be written.",
            "Give the server permission to write there, or choose another folder for the store.",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StoreError(
            f"{path.parent} cannot be a folder because a file of that name is in the way.",
            "Move that file away, or choose another folder for the store.",
        )
    return StoreError(
        f"{path.name} could not be written to {path.parent}: {error.strerror or error}.",
        "Check the disk and the folder, then ask again.",
    )


def sync_file(path: Path) -> None:
    """Make its bytes durable before its name is. Raises OSError."""
    with open(path, "rb+") as file:  # Windows syncs only what may be written
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes names in a folder durable: new files, renames. Windows has no such call and does not need it.

    Raises OSError.
    """
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network and FUSE file systems cannot sync a folder; the data itself is on the disk by then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
