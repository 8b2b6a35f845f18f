"""Real disks that refuse: small ones that fill up, and folders nothing can be written to, not even by root."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MS_RDONLY = 1
_MS_REMOUNT = 32
_MNT_DETACH = 2


@contextmanager
def disk(target: Path, size: str) -> Iterator[Path]:
    """An empty disk of this size ("1m") at `target`; skips the test, saying so, where none can be mounted."""
    target.mkdir(exist_ok=True)
    with _mounted(target, 0, size):
        yield target


def seal(target: Path) -> None:
    """Makes a `disk` read-only, with everything on it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", _MS_RDONLY | _MS_REMOUNT, b""):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


@contextmanager
def read_only(target: Path) -> Iterator[Path]:
    """A folder nothing can be written to. Only root is not held back by the folder's mode, and only root may mount."""
    target.mkdir(exist_ok=True)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        with _mounted(target, _MS_RDONLY, "1m"):
            yield target
        return
    target.chmod(0o500)
    yield target
    target.chmod(0o700)


@contextmanager
def _mounted(target: Path, flags: int, size: str) -> Iterator[None]:
    if not sys.platform.startswith("linux"):
        pytest.skip("SKIPPED: mounting a test disk needs Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", flags, f"size={size}".encode()):
        pytest.skip(f"SKIPPED: mounting a test disk needs root: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        libc.umount2(os.fsencode(target), _MNT_DETACH)
