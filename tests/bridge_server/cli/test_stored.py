"""A store that a command reads by itself: one that is there, one that is not, one of an earlier version."""

import contextlib
import sqlite3

import pytest

from bridge_server.cli import stored as stored_file
from bridge_server.cli.stored import stored
from bridge_server.jobs.database import DATABASE, open_database
from clip_store.store import ClipStore, blobs_in
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


@pytest.mark.parametrize("left", [None, b""])
def test_audio_without_its_database_is_refused_as_a_server_would(tmp_path, left):
    blobs_in(a_store(tmp_path)).put_bytes(b"a song")
    for file in tmp_path.glob(f"{DATABASE}*"):
        file.unlink()
    if left is not None:
        (tmp_path / DATABASE).write_bytes(left)
    with pytest.raises(ProtocolError, match="missing or empty"), stored(tmp_path):
        pytest.fail("nobody knows its takes")


def test_an_empty_file_is_no_store(tmp_path):
    (tmp_path / DATABASE).touch()
    with pytest.raises(ProtocolError, match="no store in"), stored(tmp_path):
        pytest.fail("there is nothing to read")
    assert (tmp_path / DATABASE).read_bytes() == b""


def test_damage_that_only_shows_as_it_is_brought_forward_is_told(tmp_path, monkeypatch):
    before_choosers(a_store(tmp_path))

    def damaged(path):
        raise ProtocolError(ErrorCode.STORE_FAILED, "It is damaged.") from sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(stored_file, "open_database", damaged)
    with pytest.raises(ProtocolError, match="damaged"), stored(tmp_path):
        pytest.fail("what it holds cannot be believed")


def test_damage_that_only_shows_as_it_is_read_is_told(tmp_path):
    with contextlib.closing(
        sqlite3.connect(a_store(tmp_path) / DATABASE, isolation_level=None)
    ) as connection:
        page, size = (
            connection.execute(query).fetchone()[0]
            for query in ("SELECT rootpage FROM sqlite_master WHERE name = 'take'", "PRAGMA page_size")
        )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / DATABASE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(ProtocolError, match="damaged"), stored(tmp_path) as found:
        found.index.list()


def test_a_newer_versions_is_refused(tmp_path):
    with contextlib.closing(
        sqlite3.connect(a_store(tmp_path) / DATABASE, isolation_level=None)
    ) as connection:
        connection.execute("UPDATE clip_store_meta SET value = 99")
    with pytest.raises(ProtocolError, match="newer version"), stored(tmp_path):
        pytest.fail("nobody knows what is in it")
