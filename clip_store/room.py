"""Whether a disk has room for what is about to be written: better known now than after minutes of writing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from clip_store.errors import StoreError

SPARE_BYTES = 2**20  # headers, and what the system keeps for itself


def check_room(folder: Path, sizes: Sequence[int], signs: bool) -> None:
    """sizes: bytes of each file. signs: they are signed, one after another, and each is on the disk twice meanwhile.

    Raises StoreError when the folder's disk cannot hold them, OSError when it cannot be asked.
    """
    needed = sum(sizes) + (max(sizes, default=0) if signs else 0) + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"The disk is full: this needs {needed / 2**20:.1f} MB and {folder} has {free / 2**20:.1f} MB.",
            "Free some space, or choose a folder on another disk.",
        )
