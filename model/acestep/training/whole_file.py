"""Files of a training that are there whole or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from model.errors import CannotRender

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_whole_file(path: Path, data: bytes) -> None:
    """Replaces the file at `path`; what was there stays until the new one is on the disk. Raises CannotRender."""
    part = path.with_name(f"{path.name}.part")  # one process trains in a folder, so the name is its own
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as refused:
        with contextlib.suppress(OSError):
            part.unlink()
        raise _in_words(path, refused) from refused


def _in_words(path: Path, refused: OSError) -> CannotRender:
    if refused.errno in _FULL:
        return CannotRender(
            f"The disk is full: {path.name} could not be written to {path.parent}.",
            "Free some space and start the same training again: it goes on where it was.",
        )
    return CannotRender(
        f"{path.name} could not be written to {path.parent}: {refused.strerror or refused}.",
        "Check the folder's permissions and start the same training again: it goes on where it was.",
    )
