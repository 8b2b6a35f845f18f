"""A store that a command reads by itself: one that is there, one that is not, one of an earlier version."""

import contextlib
import sqlite3

import pytest

from bridge_server.cli.stored import stored
from bridge_server.jobs.database import DATABASE, open_database
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.disks import disk, seal


def a_store(folder):
    with contextlib.closing(open_database(folder / DATABASE)) as connection:
        ClipStore(folder, connection)
    return folder


def test_where_there_is_none_none_is_made(tmp_path):
    with pytest.raises(ProtocolError, match="no store in") as caught, stored(tmp_path / "none"):
        pytest.fail("there is nothing to read")
    assert caught.value.code is ErrorCode.STORE_FAILED
    assert "--store" in caught.value.remedy
    assert not (tmp_path / "none").exists()


def test_it_cannot_be_written_to(tmp_path):
    with stored(a_store(tmp_path)) as found:
        assert list(found.index.list()) == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            found.index.remember_xmp("a" * 64, "<x/>")


def before_choosers(folder):
    with contextlib.closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute("DROP TABLE xmp")
        for column in ("chosen_at", "chosen_by"):
            connection.execute(f"ALTER TABLE choice DROP COLUMN {column}")
        connection.execute("UPDATE clip_store_meta SET value = 3")


def test_an_earlier_versions_is_brought_forward(tmp_path):
    before_choosers(a_store(tmp_path))
    with stored(tmp_path) as found:
        assert found.index.recall_xmp("a" * 64) == ""


def test_on_a_disk_that_cannot_be_written_an_earlier_versions_stays_and_is_read(tmp_path):
    with disk(tmp_path / "disk", "500m"):
        before_choosers(a_store(tmp_path / "disk"))
        seal(tmp_path / "disk")
        with stored(tmp_path / "disk") as found:
            assert list(found.index.list()) == []


def test_a_newer_versions_is_refused(tmp_path):
    with contextlib.closing(
        sqlite3.connect(a_store(tmp_path) / DATABASE, isolation_level=None)
    ) as connection:
        connection.execute("UPDATE clip_store_meta SET value = 99")
    with pytest.raises(ProtocolError, match="newer version"), stored(tmp_path):
        pytest.fail("nobody knows what is in it")
