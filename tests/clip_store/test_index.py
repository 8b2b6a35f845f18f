import sqlite3
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from clip_store.errors import TakeError
from clip_store.index import SCHEMA_VERSION, Place, TakeIndex, place_of
from daw_protocol.timeline.span import Span
from tests.clip_store.test_take import TAKE

SONG = TAKE.parent
PLACE = place_of(TAKE)


@pytest.fixture(params=[None, sqlite3.Row], ids=["tuples", "rows"])
def connection(request):
    connection = sqlite3.connect(":memory:")
    connection.row_factory = request.param
    yield connection
    connection.close()


@pytest.fixture
def index(connection):
    return TakeIndex(connection)


def take(name: str, **changes):
    return replace(TAKE, id=name, origin=None, **changes)


def ids(takes) -> list[str]:
    return [found.id for found in takes]


def test_what_is_added_is_got(index):
    index.add(TAKE)
    assert index.get(TAKE.id) == TAKE


def test_unknown_takes_are_named(index):
    for ask in (index.get, index.choose, index.parents, index.lineage, index.delete):
        with pytest.raises(TakeError, match="no take nobody"):
            ask("nobody")
    with pytest.raises(TakeError, match="no take nobody"):
        index.list(before="nobody")


def test_an_id_is_used_once(index):
    index.add(TAKE)
    with pytest.raises(TakeError, match="already"):
        index.add(replace(TAKE, number=3))
    assert index.get(TAKE.id) == TAKE


def test_nothing_is_kept_without_the_callers_commit(tmp_path):
    path = tmp_path / "bridge.db"
    connection = sqlite3.connect(path)
    index = TakeIndex(connection)
    connection.commit()
    index.add(TAKE)
    index.choose(TAKE.id)
    index.remember_file("song.wav", 1, 2, SONG)
    connection.rollback()
    assert index.list() == ()
    assert index.recall_file("song.wav", 1, 2) is None
    index.add(TAKE)
    connection.commit()
    connection.close()
    again = sqlite3.connect(path)
    assert ids(TakeIndex(again).list()) == [TAKE.id]
    again.close()


def test_one_transaction_with_the_callers_own_tables(connection, index):
    connection.execute("CREATE TABLE job (id, state)")
    connection.execute("INSERT INTO job VALUES ('job-1', 'running')")
    connection.commit()

    def end_job():
        with connection:
            connection.execute("UPDATE job SET state = 'done'")
            index.add(TAKE)
            index.add(TAKE)

    with pytest.raises(TakeError):
        end_job()
    assert connection.execute("SELECT state FROM job").fetchone()[0] == "running"
    assert index.list() == ()


def test_user_version_is_left_to_the_owner(connection):
    connection.execute("PRAGMA user_version = 7")
    TakeIndex(connection)
    TakeIndex(connection)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 7


def test_making_the_tables_leaves_no_transaction_open(connection):
    TakeIndex(connection)
    assert not connection.in_transaction


def test_a_newer_index_is_refused(connection):
    TakeIndex(connection)
    connection.execute("UPDATE clip_store_meta SET value = ?", (SCHEMA_VERSION + 1,))
    with pytest.raises(TakeError, match="newer version"):
        TakeIndex(connection)


def test_list_filters_and_pages(index):
    index.add(take("a"))
    index.add(take("b", task="extract", stem="drums"))
    index.add(take("c", job="job-2"))
    index.add(take("d", parent="9" * 64))
    index.add(take("e", start=200_000))
    assert ids(index.list()) == ["e", "d", "c", "b", "a"]
    assert ids(index.list(task="extract")) == ["b"]
    assert ids(index.list(job="job-2")) == ["c"]
    assert ids(index.list(song="9" * 64)) == ["d"]
    assert ids(index.list(song=SONG, region=Span(143_999, 150_000))) == ["c", "b", "a"]
    assert ids(index.list(song=SONG, region=Span(144_000, 200_000))) == []
    assert ids(index.list(song=SONG, region=Span(0, 96_001), task="repaint")) == ["c", "a"]
    assert ids(index.list(limit=2)) == ["e", "d"]
    assert ids(index.list(limit=2, before="d")) == ["c", "b"]


def test_choose_revert_redo(index):
    for name in "abc":
        index.add(take(name))
    assert index.chosen(PLACE) is None
    with pytest.raises(TakeError, match="original"):
        index.revert(PLACE)
    assert index.choose("a") == PLACE
    index.choose("b")
    assert index.chosen(PLACE) == "b"
    assert index.choices(SONG) == {PLACE: "b"}
    assert index.revert(PLACE) == "a"
    assert index.revert(PLACE) is None
    assert index.choices(SONG) == {}
    assert index.redo(PLACE) == "a"
    assert index.redo(PLACE) == "b"
    with pytest.raises(TakeError, match="redo"):
        index.redo(PLACE)
    index.revert(PLACE)
    index.choose("c")
    with pytest.raises(TakeError, match="redo"):
        index.redo(PLACE)
    assert index.revert(PLACE) == "a"


def test_choosing_the_chosen_adds_no_step(index):
    index.add(take("a"))
    index.choose("a")
    index.choose("a")
    assert index.revert(PLACE) is None


def test_places_are_independent(index):
    index.add(take("a"))
    index.add(take("b", stem="drums"))
    index.add(take("c", start=0))
    for name in "abc":
        index.choose(name)
    index.revert(PLACE)
    assert index.choices(SONG) == {
        Place(SONG, 0, 48_000): "c",
        Place(SONG, 96_000, 144_000, "drums"): "b",
    }


def test_lineage_follows_results_and_variations(index):
    index.add(take("first", result="1" * 64))
    index.add(take("second", parent="1" * 64, result="2" * 64))
    index.add(replace(take("varied", parent="1" * 64), origin="second"))
    index.add(take("third", parent="2" * 64))
    index.add(take("stranger", result="8" * 64))
    assert ids(index.parents("third")) == ["second"]
    assert ids(index.parents("varied")) == ["first", "second"]
    assert ids(index.lineage("third")) == ["third", "second", "first"]
    assert ids(index.lineage("varied")) == ["varied", "first", "second"]
    assert ids(index.lineage("stranger")) == ["stranger"]


def test_lineage_ends_even_in_a_circle(index):
    """A take that changed nothing has the parent itself as its result."""
    index.add(take("a", parent="1" * 64, result="2" * 64))
    index.add(take("b", parent="2" * 64, result="1" * 64))
    assert ids(index.lineage("a")) == ["a", "b"]


def test_delete_closes_the_gaps_in_the_history(index):
    for name in "abc":
        index.add(take(name))
        index.choose(name)
    index.delete("b")
    assert index.chosen(PLACE) == "c"
    assert index.revert(PLACE) == "a"
    assert index.redo(PLACE) == "c"
    index.delete("c")
    assert index.chosen(PLACE) is None
    assert ids(index.list()) == ["a"]
    assert index.redo(PLACE) == "a"


def test_referenced_digests(index):
    index.add(TAKE)
    index.add(take("b", handles=None, audio="7" * 64, attachments=()))
    assert index.referenced_digests() == {*TAKE.digests, "7" * 64}
    index.delete(TAKE.id)
    assert index.referenced_digests() == {SONG, "7" * 64}


def test_known_files(index):
    index.remember_file("/music/song.wav", 1000, 5, "a" * 64)
    assert index.recall_file("/music/song.wav", 1000, 5) == "a" * 64
    for other in (("/music/song.wav", 1001, 5), ("/music/song.wav", 1000, 6), ("/music/other.wav", 1000, 5)):
        assert index.recall_file(*other) is None
    index.remember_file("/music/song.wav", 1000, 6, "b" * 64)
    assert index.recall_file("/music/song.wav", 1000, 6) == "b" * 64
    assert index.recall_file("/music/song.wav", 1000, 5) is None


def test_time_stamps_of_audio_without_a_file(index):
    assert index.recall_stamp(SONG) is None
    index.remember_stamp(SONG, Fraction(384_001, 48_000))
    assert index.recall_stamp(SONG) == Fraction(384_001, 48_000)
    index.remember_stamp(SONG, Fraction(-1))
    assert index.recall_stamp(SONG) == -1
    index.remember_stamp(SONG, None)
    assert index.recall_stamp(SONG) is None


def test_uploads_are_remembered_under_their_last_name_the_last_one_first(index):
    other = "e" * 64
    assert (index.upload_name(SONG), index.uploads(9)) == (None, ())
    index.remember_upload(SONG, "a.wav", 10, 1.5)
    index.remember_upload(other, "b.wav", 20, 2.5)
    index.remember_upload(SONG, "c.wav", 30, 3.5)
    assert index.upload_name(SONG) == "c.wav"
    assert index.uploads(9) == ((SONG, "c.wav", 30, 3.5), (other, "b.wav", 20, 2.5))
    assert len(index.uploads(1)) == 1


class ChoiceHistory(RuleBasedStateMachine):
    """Against the plainest history there is: a list and a pointer."""

    def __init__(self):
        super().__init__()
        self.connection = sqlite3.connect(":memory:")
        self.index = TakeIndex(self.connection)
        self.history: list[str] = []
        self.step = 0
        for name in "abc":
            self.index.add(take(name))

    def teardown(self):
        self.connection.close()

    @rule(name=st.sampled_from("abc"))
    def choose(self, name):
        self.index.choose(name)
        if self.current() != name:
            self.history[self.step :] = [name]
            self.step += 1

    @rule()
    def revert(self):
        if self.step:
            self.step -= 1
            assert self.index.revert(PLACE) == self.current()

    @rule()
    def redo(self):
        if self.step < len(self.history):
            self.step += 1
            assert self.index.redo(PLACE) == self.current()

    @rule(name=st.sampled_from("abc"))
    def delete_and_add_again(self, name):
        in_force = self.current() == name
        before = sum(entry != name for entry in self.history[: self.step])
        self.history = [entry for entry in self.history if entry != name]
        self.step = 0 if in_force else before
        self.index.delete(name)
        self.index.add(take(name))

    @invariant()
    def agrees(self):
        assert self.index.chosen(PLACE) == self.current()

    def current(self):
        return self.history[self.step - 1] if self.step else None


TestChoiceHistory = ChoiceHistory.TestCase
TestChoiceHistory.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)


def test_takes_stand_in_the_order_of_their_making_whatever_the_clock_said(index):
    for number, name in enumerate(("first", "second", "third")):
        index.add(take(name, created=100.0 - number))
    assert sorted(("third", "first", "second"), key=index.serial) == ["first", "second", "third"]
    with pytest.raises(TakeError, match="no take nobody"):
        index.serial("nobody")
