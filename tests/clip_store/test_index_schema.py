"""Stores of the schema before, brought forward in place."""

import contextlib
import sqlite3

import pytest

from clip_store import index_schema
from clip_store.choices import Place
from clip_store.comp import Part
from clip_store.index import SCHEMA_VERSION, TakeIndex, place_of
from clip_store.marks import Mark
from tests.clip_store.takes import stored_take
from tests.places import GOLDEN

SONG = "5" * 64
CHOICES = [  # in the order they were accepted
    (SONG, 0, 100, "mix", 1, "a"), (SONG, 500, 600, "mix", 1, "x"), (SONG, 0, 100, "mix", 2, "b"),
    (SONG, 0, 100, "mix", 3, "c"), ("", 0, 100, "mix", 1, "new"),
]  # fmt: skip
PLACES = [(SONG, 0, 100, "mix", 2), (SONG, 500, 600, "mix", 1), ("", 0, 100, "mix", 1)]


@pytest.fixture
def stored_before(tmp_path):
    """A store of the version whose choices were a line in each place, with some made."""
    path = tmp_path / "store.sqlite3"
    path.write_bytes((GOLDEN / "store_format_1" / "store.sqlite3").read_bytes())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executemany("INSERT INTO choice VALUES (?, ?, ?, ?, ?, ?)", CHOICES)
        connection.executemany("INSERT INTO place VALUES (?, ?, ?, ?, ?)", PLACES)
    return path


def schema_of(connection):
    return connection.execute("SELECT value FROM clip_store_meta").fetchone()[0]


@pytest.mark.parametrize("level", [None, "DEFERRED"], ids=["the server's", "with transactions of Python's"])
def test_choices_and_their_history_come_along(stored_before, level):
    first, second = Place(SONG, 0, 100), Place(SONG, 500, 600)
    with contextlib.closing(sqlite3.connect(stored_before, isolation_level=level)) as connection:
        index = TakeIndex(connection)
        assert (schema_of(connection), connection.in_transaction) == (SCHEMA_VERSION, False)
        assert index.comps(SONG) == {second: (Part("x", 500, 600),), first: (Part("b", 0, 100),)}
        assert [take.id for take in index.list()] == ["t1"]
        assert index.redo(first) == "c"
        assert [index.revert(first) for _ in range(3)] == ["b", "a", None]
        connection.rollback()


def test_what_was_accepted_before_can_be_undone(stored_before):
    with contextlib.closing(sqlite3.connect(stored_before, isolation_level=None)) as connection:
        index = TakeIndex(connection)
        seen = []
        while index.history.can_undo(SONG):
            index.history.undo(SONG)
            seen.append({place.start: take for place, take in index.choices(SONG).items()})
        assert seen == [{0: "a", 500: "x"}, {0: "a"}, {}]
        assert not index.history.can_undo("")


def test_opened_twice_it_is_brought_forward_once(stored_before):
    for _ in range(2):
        with contextlib.closing(sqlite3.connect(stored_before, isolation_level=None)) as connection:
            index = TakeIndex(connection)
            assert len(index.choices(SONG)) == 2
            assert index.kept.blobs() == set(), "engines kept nothing yet"
    assert index_schema.SCHEMA_VERSION == 5


def test_a_migration_that_fails_leaves_everything_as_it_was(stored_before, monkeypatch):
    broken = (*index_schema.MIGRATIONS[1], "DROP TABLE no_such_table")
    monkeypatch.setitem(index_schema.MIGRATIONS, 1, broken)
    with contextlib.closing(sqlite3.connect(stored_before, isolation_level=None)) as connection:
        before = "\n".join(connection.iterdump())
        with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
            TakeIndex(connection)
        assert "\n".join(connection.iterdump()) == before


def test_an_old_store_on_a_disk_that_cannot_be_written_is_read(stored_before):
    connection = sqlite3.connect(f"{stored_before.as_uri()}?mode=ro", uri=True, isolation_level=None)
    with contextlib.closing(connection):
        assert TakeIndex(connection).referenced_digests()
        assert schema_of(connection) == 1


def test_a_new_store_has_the_columns_of_a_migrated_one(stored_before):
    columns = []
    for path in (stored_before, ":memory:"):
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            TakeIndex(connection)
            columns.append(
                {
                    table: [row[1:4] for row in connection.execute(f"PRAGMA table_info({table})")]
                    for table in ("choice", "place", "journal", "journal_place", "take_mark", "xmp")
                }
            )
    assert columns[0] == columns[1]


@pytest.fixture
def stored_without_marks(tmp_path):
    """A store of schema 2, made by taking from a new one what schema 3 added, with a take."""
    path = tmp_path / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        TakeIndex(connection).add(stored_take())
        connection.execute("DROP TABLE take_mark")
        without_choosers(connection)
        connection.execute("UPDATE clip_store_meta SET value = 2")
    return path


def without_choosers(connection):
    """Takes away what schema 4 added."""
    connection.execute("DROP TABLE xmp")
    for column in ("chosen_at", "chosen_by"):
        connection.execute(f"ALTER TABLE choice DROP COLUMN {column}")


def test_choices_of_a_store_that_did_not_note_who_made_them(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as connection:
        TakeIndex(connection).add(stored_take())
        TakeIndex(connection).choose("t1")
        without_choosers(connection)
        connection.execute("UPDATE clip_store_meta SET value = 3")
        index = TakeIndex(connection)
        assert schema_of(connection) == SCHEMA_VERSION
        place = place_of(index.get("t1"))
        assert index.chosen(place) == "t1"
        chosen = index.chosen_by(place, "t1")
        assert (chosen.chosen_at, chosen.chosen_by) == (None, "")
        index.remember_xmp("a" * 64, "<x/>")
        assert index.recall_xmp("a" * 64) == "<x/>"


def test_takes_of_a_store_without_marks_can_be_marked(stored_without_marks):
    with contextlib.closing(sqlite3.connect(stored_without_marks, isolation_level=None)) as connection:
        index = TakeIndex(connection)
        assert schema_of(connection) == SCHEMA_VERSION
        assert index.marks.of("t1") == Mark()
        index.marks.put("t1", Mark("Chorus", 4))
        assert index.marks.of("t1") == Mark("Chorus", 4)
        assert [take.id for take in index.list()] == ["t1"]


def test_marks_that_cannot_be_migrated_leave_the_old_schema(stored_without_marks, monkeypatch):
    monkeypatch.setitem(index_schema.MIGRATIONS, 2, (*index_schema.MIGRATIONS[2], "DROP TABLE no_such_table"))
    with contextlib.closing(sqlite3.connect(stored_without_marks, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="no_such_table"):
            TakeIndex(connection)
        tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'take_mark'").fetchall()
        assert (schema_of(connection), tables) == (2, [])
