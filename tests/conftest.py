"""What holds for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.disks import disk, read_only

# An example that takes long says something of the machine, not of the code: it may have much else to do.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A shell starts what runs in the background (`nohup make test &`) with Ctrl-C ignored, and every process inherits that.
# Programs that tests start and interrupt would then never notice.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of one megabyte."""
    with disk(tmp_path / "tiny disk", "1m") as target:
        yield target


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of five megabytes: room for a server's store, and for little audio."""
    with disk(tmp_path / "small disk", "5m") as target:
        yield target


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder nothing can be written to, not even by root."""
    with read_only(tmp_path / "read only") as target:
        yield target
