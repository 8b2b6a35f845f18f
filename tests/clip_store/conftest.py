"""Folders that refuse: a disk of one megabyte, and one that is mounted read-only. Real ones, where we may."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_MS_RDONLY = 1
_MNT_DETACH = 2


def _mount(target: Path, flags: int, options: str) -> None:
    """Mount a tmpfs; skips the test, saying so, where that is not allowed."""
    if not sys.platform.startswith("linux"):
        pytest.skip("mounting a test disk needs Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    failed = libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", flags, options.encode())
    if failed:
        pytest.skip(f"mounting a test disk needs root: {os.strerror(ctypes.get_errno())}")


def _unmount(target: Path) -> None:
    ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(target), _MNT_DETACH)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of one megabyte."""
    target = tmp_path / "small disk"
    target.mkdir()
    _mount(target, 0, "size=1m")
    yield target
    _unmount(target)


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder nothing can be written to, not even by root."""
    target = tmp_path / "read only"
    target.mkdir()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        _mount(target, _MS_RDONLY, "size=1m")
        yield target
        _unmount(target)
        return
    target.chmod(0o500)
    yield target
    target.chmod(0o700)
