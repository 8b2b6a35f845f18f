"""Suspension, clocks, limits, a second server and songs that change: a short round of each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge_server.peers import noise_song
from tests.faults import scenes
from tests.faults.rig import Rig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="SKIPPED: needs Linux's limits and /proc"
    ),
]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How far the server's clock is set, in seconds."""
    path = tmp_path_factory.mktemp("clock") / "offset"
    path.write_text("0")
    return path


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, clock: Path) -> Iterator[Rig]:
    """One server for all: it has to survive every one of them."""
    with Rig(tmp_path_factory.mktemp("rig"), {"clock": str(clock)}).running() as rig:
        yield rig


def test_a_machine_that_sleeps_loses_nothing(rig):
    assert scenes.suspend(rig, 1.0) == []


def test_a_clock_that_is_set_changes_no_order_and_removes_nothing(rig, clock):
    assert scenes.set_the_clock(rig, clock) == []


def test_without_files_to_open_those_connected_are_answered(rig):
    assert scenes.use_up_files(rig) == []


def test_an_engine_without_memory_fails_its_job_only(rig):
    assert scenes.use_up_memory(rig) == []


def test_a_second_server_is_refused(rig):
    assert scenes.start_a_second(rig) == []


def test_songs_that_change_while_they_wait(rig, tmp_path):
    assert scenes.change_sources(rig, noise_song(tmp_path / "secret.wav", frames=48_000 * 6)) == []
