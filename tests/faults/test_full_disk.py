"""A disk that is full at some writes of a job; `python -m benchmarks.faults --only disk` tries every one."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from tests.faults.fault_points import FaultPoints
from tests.faults.full_disk import full_disk

STRIDE = 5


def test_a_job_has_one_end_wherever_the_disk_is_full(tmp_path):
    with full_disk(tmp_path) as disk:
        for door in ("websocket", "mailbox"):
            assert not disk.attempt(10_000, True, door), "the first job makes the folders"
            point = 1
            while disk.attempt(point, point % 2 == 0, door):
                point += STRIDE
        disk.verify()
    assert disk.problems == [], disk.problems
    assert disk.hits >= {"open", "write", "sync", "rename", "database:"}, disk.hits
    assert disk.ends["done"] >= 4, disk.ends
    assert disk.ends["failed"] >= 4, disk.ends


def test_the_points_are_counted_and_fail_once_or_until_there_is_room(tmp_path):
    root = tmp_path / "disk"
    root.mkdir()
    points = FaultPoints(root)
    with points.installed():
        with open(root / "a", "wb") as file:
            file.write(b"x")
            os.fsync(file.fileno())
        (tmp_path / "elsewhere").write_text("x")
        assert points.count == 3
        points.fill(2, lasting=False)
        with pytest.raises(OSError, match="space") as caught:
            (root / "b").write_text("x")
        assert caught.value.errno == errno.ENOSPC
        assert points.hit == "write b"
        (root / "c").mkdir()
        points.fill(1, lasting=True)
        connection = sqlite3.connect(root / "d", isolation_level=None)
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match="full"):
                connection.execute("BEGIN IMMEDIATE")
        points.make_room()
        connection.execute("BEGIN IMMEDIATE")
        connection.close()
    (root / "e").write_text("x")
