"""A variation by other weights than the take's: noted, or refused where it was to stay close to the take."""

from __future__ import annotations

import pytest

from bridge_server.engines.outcome import Outcome
from bridge_server.rendering.other_weights import note_on_weights
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import Recipe
from model.engine import Report


def note(then: tuple[str, str], now: tuple[str, str], described: str = "", close: bool = False) -> str:
    """then, now: name and digest of the weights, where there is one."""
    figures = [{"weights_digest": digest} if digest else {} for _, digest in (then, now)]
    outcome = Outcome(0, (), (), Report("Drawn.", figures[1], weights=now[0]))
    return note_on_weights(outcome, described, Recipe(weights=then[0], figures=figures[0]), close=close)


@pytest.mark.parametrize(
    ("then", "now", "described"),
    [
        (("turbo", "aa"), ("turbo", "aa"), ""),
        (("turbo", "aa"), ("renamed", "aa"), ""),  # the same files in another folder
        (("turbo", ""), ("", ""), "turbo"),
        (("turbo", ""), ("", ""), ""),  # nothing is known of them
        (("", ""), ("turbo", "aa"), ""),
    ],
)
def test_the_same_weights_need_no_words(then, now, described):
    assert note(then, now, described) == ""
    assert note(then, now, described, close=True) == ""


@pytest.mark.parametrize(
    ("then", "now", "described", "words"),
    [
        (("turbo", "aa"), ("base", "bb"), "", ("turbo", "base")),
        (("turbo", "aa"), ("turbo", "bb"), "", ("turbo (aa)", "turbo (bb)")),
        (("turbo", ""), ("", ""), "base", ("turbo", "base")),
    ],
)
def test_others_are_noted_and_refused_where_it_was_to_stay_close(then, now, described, words):
    said = note(then, now, described)
    assert all(word in said for word in words)
    with pytest.raises(ProtocolError) as caught:
        note(then, now, described, close=True)
    assert (caught.value.code, caught.value.field) == (ErrorCode.CANNOT_RENDER, "variance")
    assert all(word in caught.value.sentence for word in words)
    assert "omit variance" in caught.value.remedy
