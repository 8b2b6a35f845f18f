"""What producers note on takes, in the index."""

import contextlib
import sqlite3

import pytest

from clip_store.index import TakeIndex
from clip_store.marks import Mark, one_line
from tests.clip_store.takes import stored_take


@pytest.fixture
def index():
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        made = TakeIndex(connection)
        for name in ("t1", "t2"):
            made.add(stored_take(id=name))
        yield made


def test_a_mark_is_kept_changed_and_removed(index):
    marks = index.marks
    assert marks.of("t1") == Mark()
    marks.put("t1", Mark("Refrain – größer 🎺", 5, True))
    assert marks.of("t1") == Mark("Refrain – größer 🎺", 5, True)
    assert (marks.of("t2"), marks.hidden()) == (Mark(), {"t1"})
    marks.put("t1", Mark(stars=2))
    assert (marks.of("t1"), marks.hidden()) == (Mark("", 2, False), set())
    marks.put("t1", Mark())
    assert marks.of("t1") == Mark()


def test_a_mark_goes_with_its_take(index):
    index.marks.put("t1", Mark("gone", 1, True))
    index.delete("t1")
    index.add(stored_take(id="t1"))
    assert (index.marks.of("t1"), index.marks.hidden()) == (Mark(), set())


def test_a_name_is_one_line():
    assert one_line("  Chorus\nof\tthe \u2028 second  half ") == "Chorus of the second half"
