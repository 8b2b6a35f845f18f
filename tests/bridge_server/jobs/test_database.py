import contextlib
import errno
import sqlite3

import pytest

from bridge_server.jobs import database
from bridge_server.jobs.database import SCHEMA_VERSION, open_database, open_to_read, problem_of, transaction
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.places import GOLDEN
from tests.refusals import refusal


@pytest.fixture
def connection(tmp_path):
    with contextlib.closing(open_database(tmp_path / "new" / "bridge.db")) as found:
        found.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)")
        yield found


def test_a_commit_survives_a_power_cut(connection):
    """tests/faults/test_power_cut.py reads it from the system calls, where strace is."""
    full = 2
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == full
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def notes(connection):
    return [row["text"] for row in connection.execute("SELECT text FROM notes ORDER BY id")]


def test_it_is_a_wal_with_our_version(connection):
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION


def test_all_or_nothing(connection):
    with transaction(connection):
        connection.execute("INSERT INTO notes (text) VALUES ('a')")
        connection.execute("INSERT INTO notes (text) VALUES ('b')")
    with pytest.raises(sqlite3.ProgrammingError), transaction(connection):
        connection.executemany("INSERT INTO notes (text) VALUES (?)", [("c",), ("d", "too much")])
    assert notes(connection) == ["a", "b"]
    assert not connection.in_transaction


def test_a_bug_of_ours_is_not_called_a_full_disk(connection):
    with transaction(connection):
        connection.execute("INSERT INTO notes (text) VALUES ('a')")
    with pytest.raises(sqlite3.IntegrityError), transaction(connection):
        connection.execute("INSERT INTO notes (text) VALUES ('a')")
    assert not connection.in_transaction


def test_a_full_disk_is_reported_and_nothing_changes(connection):
    with transaction(connection):
        connection.execute("INSERT INTO notes (text) VALUES ('a')")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ProtocolError) as raised, transaction(connection):
        connection.execute("INSERT INTO notes (text) VALUES (?)", ("x" * 100_000,))
    assert raised.value.code is ErrorCode.STORE_FAILED
    assert "full" in raised.value.sentence
    assert "disk space" in raised.value.remedy
    assert notes(connection) == ["a"]
    assert not connection.in_transaction


def test_what_was_committed_is_there_for_the_next_one(tmp_path):
    with contextlib.closing(open_database(tmp_path / "a.db")) as first:
        first.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
        with transaction(first):
            first.execute("INSERT INTO notes (text) VALUES ('kept')")
        with contextlib.closing(open_database(tmp_path / "a.db")) as second:
            assert notes(second) == ["kept"]


def store_refusal(path) -> ProtocolError:
    error = refusal(open_database, path)
    assert error.code is ErrorCode.STORE_FAILED
    assert "--store" in error.remedy
    return error


def test_a_newer_store_is_left_alone(tmp_path):
    path = tmp_path / "bridge.db"
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    assert "newer Takebridge" in store_refusal(path).sentence
    with contextlib.closing(sqlite3.connect(path)) as newer:
        assert newer.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION + 1
    assert before[:16] == path.read_bytes()[:16]


def test_something_else_in_its_place(tmp_path):
    (tmp_path / "notes.txt").write_text("no database " * 1000)
    assert "notes.txt" in store_refusal(tmp_path / "notes.txt").sentence
    assert (tmp_path / "notes.txt").read_text().startswith("no database")
    assert "cannot be opened" in store_refusal(tmp_path).sentence  # a folder
    assert "cannot be opened" in store_refusal(tmp_path / "notes.txt" / "bridge.db").sentence


def test_a_damaged_one_is_called_that(stored_before):
    whole = stored_before.read_bytes()
    flipped = bytearray(whole)
    flipped[4000::97] = (byte ^ 0xFF for byte in whole[4000::97])
    for damaged in (whole[: len(whole) // 2], b"no database " * 1000, bytes(flipped)):
        stored_before.write_bytes(damaged)
        for found in (store_refusal(stored_before), problem_of(stored_before)):
            assert "is damaged" in found.sentence
            assert "blobs" in found.remedy
            assert "-wal" in found.remedy  # played into the copy, it would undo the copy's takes
        assert stored_before.read_bytes() == damaged


@pytest.mark.parametrize("left", [None, b""])
def test_a_store_copied_without_its_database_is_not_begun_anew(tmp_path, left):
    """A sweep of the new one would remove the audio of every take."""
    path = tmp_path / "store.sqlite3"
    with contextlib.closing(open_database(path)) as connection:
        ClipStore(tmp_path, connection).blobs.put_bytes(b"a song")
    assert problem_of(path) is None
    for file in tmp_path.glob("store.sqlite3*"):
        file.unlink()
    if left is not None:
        path.write_bytes(left)
    assert "knows the takes, is missing or empty" in store_refusal(path).sentence
    assert problem_of(path).sentence == store_refusal(path).sentence
    assert "Move its -wal" in store_refusal(path).remedy
    assert path.exists() == (left is not None)


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "disk I/O error"), sqlite3.OperationalError("disk I/O error")]
)
def test_a_disk_that_fails_while_it_is_looked_at_is_not_called_damage(stored_before, monkeypatch, error):
    def fail(path):
        raise error

    monkeypatch.setattr(database, "open_to_read", fail)
    found = problem_of(stored_before)
    assert "disk I/O error" in found.sentence
    assert "copy" not in found.remedy, "it may be sound"


@pytest.fixture
def stored_before(tmp_path):
    """A store written by the last version whose jobs were in the order of the clock: format 1, five jobs, a take."""
    path = tmp_path / "store.sqlite3"
    path.write_bytes((GOLDEN / "store_format_1" / "store.sqlite3").read_bytes())
    return path


def test_a_store_of_the_format_before_is_brought_forward_with_everything_in_it(stored_before):
    with contextlib.closing(open_database(stored_before)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
        queue, store = JobQueue(connection, 10), ClipStore(stored_before.parent, connection)
        assert [(job.id, job.state.value) for job in queue.newest()] == [
            ("j4", "queued"), ("j3", "queued"), ("j2", "running"), ("j1", "failed"), ("j0", "done"),
        ]  # fmt: skip
        assert [take.id for take in store.index.list(job="j0")] == ["t1"]
        assert queue.get("j1").failure["sentence"] == "It was killed."
        assert queue.next_waiting().id == "j3", "the one that was asked for first, whatever the clock said"
        indices = {
            row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        }
        assert not indices & {"jobs_by_state", "jobs_by_age"}
    with contextlib.closing(open_database(stored_before)) as connection:  # and once is enough
        assert JobQueue(connection, 10).count(JobState.QUEUED) == 2


def test_a_store_that_cannot_be_brought_forward_is_left_as_it_was(stored_before, monkeypatch):
    monkeypatch.setitem(database.MIGRATIONS, 1, "DROP INDEX jobs_by_state; DROP TABLE no_such_table;")
    assert "format" in store_refusal(stored_before).sentence
    with contextlib.closing(sqlite3.connect(stored_before)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'jobs_by_state'").fetchone()


def test_reading_only_changes_nothing(stored_before):
    before = stored_before.read_bytes()
    with contextlib.closing(open_to_read(stored_before)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM jobs").fetchone()[0] == 5
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM jobs")
    assert stored_before.read_bytes() == before
    error = refusal(open_to_read, stored_before.with_name("none"))
    assert error.code is ErrorCode.STORE_FAILED
    assert not stored_before.with_name("none").exists()
