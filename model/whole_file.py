"""Files that are there whole or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_TRIES, _APART_SECONDS = 5, 0.02  # Windows replaces no file that another process is just reading


@contextlib.contextmanager
def whole_file(place: Path, part: Path) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of what is at `place` once it is on the disk; that stays until then.

    part: what it is called meanwhile, in the same folder; nobody else may use that name. It goes where anything fails.
    Raises OSError.
    """
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(part, place)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _put_in_place(part: Path, place: Path) -> None:
    for _ in range(_TRIES - 1):
        with contextlib.suppress(PermissionError):
            os.replace(part, place)
            return
        time.sleep(_APART_SECONDS)
    os.replace(part, place)
