"""Comps in a place, and branches of choices that nothing deletes."""

import sqlite3
from dataclasses import replace

import pytest

from clip_store.comp import Part
from clip_store.errors import TakeError
from clip_store.index import TakeIndex, place_of
from daw_protocol.timeline.span import Span
from tests.clip_store.test_take import TAKE

PLACE = place_of(TAKE)
START, MIDDLE, END = PLACE.start, (PLACE.start + PLACE.end) // 2, PLACE.end


@pytest.fixture
def index():
    connection = sqlite3.connect(":memory:")
    index = TakeIndex(connection)
    for name in "abc":
        index.add(replace(TAKE, id=name, origin=None))
    yield index
    connection.close()


def test_parts_of_two_takes_in_one_region(index):
    index.choose("a")
    assert index.choose("b", Span(MIDDLE, END + 500)) == PLACE  # as far as the take goes
    assert index.parts(PLACE) == (Part("a", START, MIDDLE), Part("b", MIDDLE, END))
    assert index.chosen(PLACE) == "b"
    index.choose("c", Span(START + 10, START + 20))
    assert index.comps(PLACE.song) == {
        PLACE: (
            Part("a", START, START + 10), Part("c", START + 10, START + 20), Part("a", START + 20, MIDDLE),
            Part("b", MIDDLE, END),
        )
    }  # fmt: skip
    assert index.revert(PLACE) == "b"
    assert index.parts(PLACE) == (Part("a", START, MIDDLE), Part("b", MIDDLE, END))


def test_a_part_alone_leaves_the_rest_to_the_original(index):
    index.choose("a", Span(MIDDLE, END))
    assert index.parts(PLACE) == (Part("a", MIDDLE, END),)
    index.choose("a")
    assert index.parts(PLACE) == (Part("a", START, END),)


def test_choosing_a_part_that_plays_already_adds_no_step(index):
    index.choose("a")
    index.choose("a", Span(START + 5, END - 5))
    assert index.revert(PLACE) is None


@pytest.mark.parametrize("part", [Span(END, END + 9), Span(0, START), Span(MIDDLE, MIDDLE)])
def test_a_part_outside_the_take_is_refused(index, part):
    with pytest.raises(TakeError, match="nothing of take a") as raised:
        index.choose("a", part)
    assert str(TAKE.position) in raised.value.remedy
    assert index.parts(PLACE) == ()


def test_a_deleted_take_leaves_the_others_of_its_comp(index):
    index.choose("a")
    index.choose("b", Span(START + 10, END))
    index.choose("c", Span(MIDDLE, END))
    index.delete("c")
    assert index.parts(PLACE) == (Part("a", START, START + 10), Part("b", START + 10, MIDDLE))
    assert index.chosen(PLACE) == "b", "the take most of it is from"
    index.delete("b")
    assert index.parts(PLACE) == (Part("a", START, START + 10),)
    index.delete("a")
    assert index.parts(PLACE) == ()
    assert index.chosen(PLACE) is None


def test_redo_follows_the_branch_that_was_taken_last(index):
    index.choose("a")
    index.revert(PLACE)
    index.choose("b")
    index.revert(PLACE)
    assert index.redo(PLACE) == "b"
    index.delete("b")
    with pytest.raises(TakeError, match="redo"):  # what was undone before it stays forgotten
        index.redo(PLACE)


def test_later_acceptance_comes_later_wherever_it_lies(index):
    early = replace(TAKE, id="early", origin=None, start=0, position=0)
    index.add(early)
    index.choose("a")
    index.choose("early")
    assert list(index.choices(PLACE.song)) == [PLACE, place_of(early)]
    index.choose("b")
    assert list(index.choices(PLACE.song)) == [place_of(early), PLACE]
    index.revert(PLACE)
    assert list(index.choices(PLACE.song)) == [PLACE, place_of(early)], "as it was before"
    assert index.acceptance(PLACE) < index.acceptance(place_of(early))
