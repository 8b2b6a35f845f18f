"""Folders that refuse: a disk of one megabyte, and one that is mounted read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import disk, read_only


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of one megabyte."""
    with disk(tmp_path / "small disk", "1m") as target:
        yield target


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder nothing can be written to, not even by root."""
    with read_only(tmp_path / "read only") as target:
        yield target
