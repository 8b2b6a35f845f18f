"""Files that are there whole or not at all.

A file is written under another name in the same folder, flushed to the disk and then renamed, so that a
crash, a full disk or a second writer never leaves half of it under its real name. Knows nothing of audio.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from clip_store.errors import StoreError

PART_SUFFIX = ".part"
"""How the name of an unfinished file ends; whatever is called so and is old may be removed."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write the parts, in order, to path; the file appears whole or not at all, replacing what was there.

    Raises StoreError when the disk is full, the folder cannot be written or cannot be made.
    """
    with whole_file(path) as temporary, open(temporary, "xb") as file:
        for part in parts:
            file.write(part)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name next to `path` to write the file under; renamed when the block succeeds.

    Raises StoreError when the disk is full, the folder cannot be written or cannot be made.
    """
    # Not made from the real name: that may be as long as names can be.
    temporary = path.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync_file(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise store_error(path, error) from error
    finally:
        # After the rename there is nothing left to remove; on the way of any failure there may be.
        with contextlib.suppress(OSError):
            temporary.unlink()


def store_error(path: Path, error: OSError) -> StoreError:
    """An operating system's refusal to write `path`, in words."""
    if error.errno in _FULL:
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


def _sync_file(path: Path) -> None:
    """Make its bytes durable before its name is."""
    with open(path, "rb+") as file:  # Windows syncs only what may be written
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable. Windows has no such call and does not need it."""
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
