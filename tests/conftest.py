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

# Files that take longest, by processor time: they begin first, so that none is left over when all others are done.
LONGEST = (
    "tests/bridge_server/test_kill.py",
    "tests/bridge_server/studio/test_ray_cluster.py",
    "tests/panel/test_accessibility.py",
    "tests/bridge_server/test_acestep_renders.py",
    "tests/panel/test_screen.py",
    "tests/panel/test_listening.py",
    "tests/examples/test_reaper.py",
    "tests/bridge_server/test_odd_songs.py",
    "tests/bridge_server/rendering/test_worker.py",
    "tests/bridge_server/training/test_training_process.py",
    "tests/bridge_server/test_every_output.py",
    "tests/bridge_server/test_command_line.py",
    "tests/panel/test_playing_here.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.nodeid.split("::")[0], len(LONGEST)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of those that run alone, the files that have any: to import all others takes 10 seconds."""
    if config.option.markexpr != "alone" or not collection_path.name.startswith("test_"):
        return None
    return None if "mark.alone" in collection_path.read_text(encoding="utf-8") else True


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
