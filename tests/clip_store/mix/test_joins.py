"""Every way parts can meet: which of them has the crossfade, and against what."""

from dataclasses import replace
from itertools import pairwise

import pytest

from clip_store.comp import Part
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.joins import Join, edges_of, joins_of
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import HeardSong
from daw_protocol.timeline.span import Span
from tests.clip_store.takes import stored_take

FADE = 48  # 1 ms at 48 kHz


def song(regions, stands_on=None):
    """Takes by name, with where they lie."""
    takes = {
        name: stored_take(
            id=name, start=start, length=end - start, parent="5" * 64, request={"crossfade": 1.0},
            receipt=Receipt(
                position=0, length=end - start, rate=48000, exact=True, crossfade_in=7, crossfade_out=9
            ).to_fields(),
        )
        for name, (start, end) in regions.items()
    }  # fmt: skip
    starts = {name: start for name, (start, _) in regions.items()}
    on = {name: frozenset((stands_on or {}).get(name, ())) for name in regions}
    return AcceptedSong("5" * 64, (), takes, starts, on)


def entering(at, old, new, length=FADE):
    return Join(Span(at, at + length), old, new, rising=True)


def leaving(at, old, new, length=FADE):
    return Join(Span(at - length, at), old, new, rising=False)


CASES = {
    "a whole take has its crossfades in its clip": ({"a": (1000, 2000)}, "a 1000 2000", []),
    "a part of a take": (
        {"a": (1000, 2000)}, "a 1200 1800", [entering(1200, None, "a"), leaving(1800, None, "a")],
    ),
    "the first half of one": ({"a": (1000, 2000)}, "a 1000 1500", [leaving(1500, None, "a")]),
    "two takes of one place": (
        {"a": (1000, 2000), "b": (1000, 2000)}, "a 1000 1500, b 1500 2000", [entering(1500, "a", "b")],
    ),
    "a short part between two of another": (
        {"a": (1000, 2000), "b": (1000, 2000)}, "a 1000 1500, b 1500 1520, a 1520 2000",
        [entering(1500, "a", "b", 10), entering(1520, "b", "a")],
    ),
    "two takes that touch are both at the original there": (
        {"a": (1000, 2000), "b": (2000, 3000)}, "a 1000 2000, b 2000 3000", [],
    ),
    "a take over a longer one, which it was not made of": (
        {"a": (1000, 3000), "b": (1500, 2000)}, "a 1000 1500, b 1500 2000, a 2000 3000",
        [entering(1500, "a", "b"), leaving(2000, "a", "b")],
    ),
    "a take over the one it was made of": (
        {"a": (1000, 3000), "b": (1500, 2000)}, "a 1000 1500, b 1500 2000, a 2000 3000", [],
    ),
    "a take that goes on behind a longer one": (
        {"a": (1000, 2000), "b": (1500, 2500)}, "a 1000 1500, b 1500 2500", [entering(1500, "a", "b")],
    ),
    "as far as the earlier one goes": (
        {"a": (1000, 1510), "b": (1500, 2500)}, "a 1000 1500, b 1500 2500", [entering(1500, "a", "b", 10)],
    ),
    "a take that ends over a later one's middle": (
        {"a": (1000, 2000), "b": (1500, 2500)}, "a 1000 2000, b 2000 2500", [leaving(2000, "b", "a")],
    ),
}  # fmt: skip
STANDS_ON = {"a take over the one it was made of": {"b": {"a"}}}


def comp_in(text):
    return tuple(
        Part(take, int(start), int(end)) for take, start, end in (part.split() for part in text.split(", "))
    )


@pytest.mark.parametrize("name", CASES)
def test_crossfades(name):
    regions, parts, expected = CASES[name]
    assert list(joins_of(song(regions, STANDS_ON.get(name)), comp_in(parts))) == expected


def test_crossfades_lie_inside_their_parts_and_do_not_overlap():
    for regions, parts, _ in CASES.values():
        comp = comp_in(parts)
        joins = joins_of(song(regions), comp)
        for join in joins:
            (part,) = [one for one in comp if one.start <= join.span.start and join.span.end <= one.end]
            assert join.new == part.take
            assert join.span.length <= (part.end - part.start) // 2
        spans = sorted(join.span for join in joins)
        assert all(one.end <= two.start for one, two in pairwise(spans))


def test_a_take_that_was_asked_for_without_crossfades_has_none():
    found = song({"a": (1000, 2000)})
    found.takes["a"].request["crossfade"] = 0
    assert joins_of(found, comp_in("a 1200 1800")) == ()


HEARD = {
    "the one it was made of is there elsewhere only": (
        {"a": (1000, 3000), "b": (1500, 2000)}, {"b": "a 1000 3000"}, "b 1500 2000, a 2500 2800",
        [entering(1500, None, "b"), leaving(2000, None, "b"), entering(2500, None, "a"), leaving(2800, None, "a")],
    ),
    "a take over the one it heard": (
        {"a": (1000, 3000), "b": (1500, 2000)}, {"b": "a 1000 3000"}, "a 1000 1500, b 1500 2000, a 2000 3000", [],
    ),
    "the one it heard is gone": (
        {"b": (1500, 2000)}, {"b": "a 1000 3000"}, "b 1500 2000", [entering(1500, None, "b"), leaving(2000, None, "b")],
    ),
    "it is gone at one edge": (
        {"a": (1000, 3000), "b": (1500, 2000)}, {"b": "a 1000 3000"}, "b 1500 2000, a 2000 3000",
        [entering(1500, None, "b")],
    ),
    "another one is there now": (
        {"c": (1000, 3000), "b": (1500, 2000)}, {"b": "a 1000 3000"}, "c 1000 1500, b 1500 2000, c 2000 3000",
        [entering(1500, "c", "b"), leaving(2000, "c", "b")],
    ),
    "it heard one beside it": (
        {"a": (1000, 1500), "b": (1500, 2000)}, {"b": "a 1000 1500"}, "a 1000 1500, b 1500 2000", [],
    ),
    "the one beside it is gone": ({"b": (1500, 2000)}, {"b": "a 1000 1500"}, "b 1500 2000", []),
    "two that meet over a third they both heard": (
        {"a": (1000, 1500), "b": (1500, 2000)}, {"a": "x 0 3000", "b": "x 0 3000"}, "a 1000 1500, b 1500 2000",
        [entering(1000, None, "a"), leaving(2000, None, "b")],
    ),
    "two that meet over a third that one of them heard": (
        {"a": (1000, 1500), "b": (1500, 2000)}, {"b": "x 0 1800"}, "a 1000 1500, b 1500 2000",
        [entering(1500, None, "b")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEARD)
def test_crossfades_of_takes_made_for_the_song_as_it_stood(name):
    regions, heard, parts, expected = HEARD[name]
    found = replace(
        song(regions), heard={take: HeardSong(parts=comp_in(text)) for take, text in heard.items()}
    )
    assert list(joins_of(found, comp_in(parts))) == expected


def test_edges_are_where_something_else_begins_with_the_other_end_of_its_crossfade():
    two = song({"a": (1000, 2000), "b": (1000, 2000)})
    assert list(edges_of(two, comp_in("a 1000 1500, b 1500 1800"))) == [
        (1000, 1007), (1500, 1500 + FADE), (1800, 1800 - FADE),
    ]  # fmt: skip
    assert list(edges_of(two, comp_in("a 1000 2000"))) == [(1000, 1007), (2000, 1991)]
