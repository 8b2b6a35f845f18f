"""Files of a training that are there whole or not at all, with words for a disk that refuses."""

from __future__ import annotations

import errno
from pathlib import Path

from model.errors import CannotRender
from model.whole_file import whole_file

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_whole_file(path: Path, data: bytes) -> None:
    """Replaces the file at `path`; what was there stays until the new one is on the disk. Raises CannotRender."""
    part = path.with_name(f"{path.name}.part")  # one process trains in a folder, so the name is its own
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, part) as file:
            file.write(data)
    except OSError as refused:
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
