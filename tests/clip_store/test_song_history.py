"""Undo and redo over everything that was accepted in a song, against the plainest history there is."""

import sqlite3
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from clip_store.errors import TakeError
from clip_store.index import TakeIndex, place_of
from daw_protocol.timeline.span import Span
from tests.clip_store.test_take import TAKE

SONG = TAKE.parent
TAKES = {
    f"{name}{at}": replace(TAKE, id=f"{name}{at}", origin=None, start=at, position=at, length=10)
    for at in (0, 5)
    for name in "ab"
}


def filled(connection):
    index = TakeIndex(connection)
    for take in TAKES.values():
        index.add(take)
    return index


@pytest.fixture
def index():
    connection = sqlite3.connect(":memory:")
    yield filled(connection)
    connection.close()


def test_several_songs_are_walked_through_as_one(index):
    """A song and its stems: the last change comes back first, in whichever of them it was."""
    stem = replace(TAKE, id="stem", origin=None, parent="e" * 64, start=0, position=0, length=10)
    index.add(stem)
    songs, history = (SONG, stem.parent), index.history
    index.choose("a0")
    index.choose("stem")
    index.choose("a5")
    assert [history.undo(*songs).song for _ in songs] == [SONG, stem.parent]
    assert [history.redo(*songs).song for _ in songs] == [stem.parent, SONG]
    assert [history.undo(*songs).start for _ in range(3)] == [5, 0, 0]
    assert not history.can_undo(*songs)
    history.redo(*songs)
    index.choose("b5")  # in one of them: what was undone in the other is forgotten as well
    assert not history.can_redo(*songs)
    assert history.can_redo(stem.parent), "by itself it can"


def test_undo_and_redo_walk_over_all_places(index):
    index.choose("a0")
    index.choose("a5")
    index.choose("b0", Span(3, 6))
    index.revert(place_of(TAKES["a5"]))
    states = [index.comps(SONG)]
    places = []
    while index.history.can_undo(SONG):
        places.append(index.history.undo(SONG).start)
        states.append(index.comps(SONG))
    assert places == [5, 0, 5, 0]
    assert states[-1] == {}
    with pytest.raises(TakeError, match="undo"):
        index.history.undo(SONG)
    again = [states.pop()]
    while index.history.can_redo(SONG):
        index.history.redo(SONG)
        again.append(index.comps(SONG))
    assert again == [{}, *reversed(states)]
    with pytest.raises(TakeError, match="undone"):
        index.history.redo(SONG)


def test_a_reverted_choice_comes_back_although_another_was_made_since(index):
    index.choose("a0")
    index.revert(place_of(TAKES["a0"]))
    index.choose("b0")
    for expected in (None, "a0", None):
        index.history.undo(SONG)
        assert index.chosen(place_of(TAKES["a0"])) == expected


def test_songs_have_histories_of_their_own(index):
    other = replace(TAKE, id="other", origin=None, parent="9" * 64)
    index.add(other)
    index.choose("a0")
    index.choose("other")
    index.history.undo(SONG)
    assert index.chosen(place_of(other)) == "other"
    assert not index.history.can_undo(SONG)


def test_a_new_song_has_no_history(index):
    new = replace(TAKE, id="new", origin=None, parent=None)
    index.add(new)
    index.choose("new")
    assert not index.history.can_undo("")


class History(RuleBasedStateMachine):
    """Against a list of states of the song and a pointer; deleting a take rewrites the list."""

    def __init__(self):
        super().__init__()
        self.connection = sqlite3.connect(":memory:")
        self.index = filled(self.connection)
        self.states = [{}]
        self.at = 0
        self.deleted = set()

    def teardown(self):
        self.connection.close()

    def did(self):
        now = self.index.comps(SONG)
        if now != self.states[self.at]:
            self.states[self.at + 1 :] = [now]
            self.at += 1

    @rule(
        name=st.sampled_from(sorted(TAKES)),
        edges=st.none() | st.tuples(st.integers(0, 15), st.integers(0, 15)),
    )
    def choose(self, name, edges):
        if name in self.deleted:
            return
        try:
            self.index.choose(name, Span(*sorted(edges)) if edges else None)
        except TakeError:
            pass
        else:
            self.did()

    @rule(name=st.sampled_from(sorted(TAKES)))
    def revert(self, name):
        if self.index.chosen(place_of(TAKES[name])):
            self.index.revert(place_of(TAKES[name]))
            self.did()

    @rule(name=st.sampled_from(sorted(TAKES)))
    def redo_place(self, name):
        try:
            self.index.redo(place_of(TAKES[name]))
        except TakeError:
            pass
        else:
            self.did()

    @rule()
    @precondition(lambda self: not self.deleted)
    def undo(self):
        assert self.index.history.can_undo(SONG) == (self.at > 0)
        if self.at:
            self.at -= 1
            self.index.history.undo(SONG)

    @rule()
    @precondition(lambda self: not self.deleted)
    def redo(self):
        assert self.index.history.can_redo(SONG) == (self.at + 1 < len(self.states))
        if self.at + 1 < len(self.states):
            self.at += 1
            self.index.history.redo(SONG)

    @rule()
    @precondition(lambda self: self.deleted)
    def undo_without_deleted_takes(self):
        while self.index.history.can_undo(SONG):
            before = self.index.comps(SONG)
            self.index.history.undo(SONG)
            assert self.index.comps(SONG) != before
            self.nothing_deleted_plays()
        assert not self.index.comps(SONG)
        self.states, self.at = [{}], 0
        while self.index.history.can_redo(SONG):
            self.index.history.redo(SONG)
            self.nothing_deleted_plays()

    @rule(name=st.sampled_from(sorted(TAKES)))
    def delete(self, name):
        if name not in self.deleted and len(self.deleted) < 2:
            self.index.delete(name)
            self.deleted.add(name)
            self.nothing_deleted_plays()

    def nothing_deleted_plays(self):
        playing = {part.take for comp in self.index.comps(SONG).values() for part in comp}
        assert not playing & self.deleted

    @invariant()
    def agrees(self):
        if not self.deleted:
            assert self.index.comps(SONG) == self.states[self.at]


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
