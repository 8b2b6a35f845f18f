from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clip_store.comp import Part, cropped, longest_take, normalised, overlay, without
from daw_protocol.timeline.span import Span

PLACE = Span(-20, 40)
spans = st.tuples(st.integers(-20, 40), st.integers(-20, 40)).map(sorted)
parts = st.builds(lambda take, span: Part(take, *span), st.sampled_from("abc"), spans)


def comp_of(laid):
    comp = ()
    for part in laid:
        comp = overlay(comp, part)
    return comp


def playing(laid):
    """Take by sample, the plainest way."""
    found = {}
    for part in laid:
        found |= dict.fromkeys(range(part.start, part.end), part.take)
    return found


@given(st.lists(parts, max_size=8))
def test_a_comp_is_in_order_without_overlaps_inside_its_place_and_plays_what_was_laid_last(laid):
    comp = comp_of(laid)
    assert all(
        one.end < two.start or (one.end == two.start and one.take != two.take) for one, two in pairwise(comp)
    )
    assert all(PLACE.start <= part.start < part.end <= PLACE.end for part in comp)
    assert playing(comp) == playing(laid)


@given(st.lists(parts, max_size=6), parts)
def test_laying_a_part_twice_is_laying_it_once(laid, part):
    once = overlay(comp_of(laid), part)
    assert overlay(once, part) == once


@given(st.lists(parts, max_size=8), spans)
def test_cropping_keeps_what_lies_inside(laid, edges):
    comp, span = comp_of(laid), Span(*edges)
    expected = {at: take for at, take in playing(comp).items() if span.start <= at < span.end}
    assert playing(cropped(comp, span)) == expected


@given(st.lists(parts, max_size=8))
def test_a_comp_without_a_take_leaves_the_original_where_it_was(laid):
    comp = comp_of(laid)
    assert playing(without(comp, "a")) == {at: take for at, take in playing(comp).items() if take != "a"}


def test_neighbours_of_one_take_are_one_part_and_empty_ones_none():
    assert normalised([Part("b", 5, 5), Part("a", 3, 5), Part("a", 0, 3)]) == (Part("a", 0, 5),)


def test_the_take_most_of_a_comp_is_from():
    assert longest_take([Part("a", 0, 3), Part("b", 3, 7), Part("a", 7, 9)]) == "a"
    assert longest_take([Part("b", 0, 4), Part("a", 4, 8)]) == "b"
