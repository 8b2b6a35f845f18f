"""A variation by other weights than the take's: noted, or refused where it was to stay close to the take."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bridge_server.engines.outcome import Outcome
from bridge_server.rendering.other_weights import needing_its_weights, note_on_weights
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import Recipe
from daw_protocol.requests import Cover
from model.engine import Report


def note(then: tuple[str, str], now: tuple[str, str], described: str = "", needed_for: str = "") -> str:
    """then, now: name and digest of the weights, where there is one."""
    figures = [{"weights_digest": digest} if digest else {} for _, digest in (then, now)]
    outcome = Outcome(0, (), (), Report("Drawn.", figures[1], weights=now[0]))
    return note_on_weights(
        outcome, described, Recipe(weights=then[0], figures=figures[0]), needed_for=needed_for
    )


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
    assert note(then, now, described, needed_for="variance") == ""


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
    for field, way_out in (("variance", "omit variance"), ("lyric_times", "with lyric_times")):
        with pytest.raises(ProtocolError) as caught:
            note(then, now, described, needed_for=field)
        assert (caught.value.code, caught.value.field) == (ErrorCode.CANNOT_RENDER, field)
        assert all(word in caught.value.sentence for word in words)
        assert way_out in caught.value.remedy


CLOSE = {"variance": "0.2", "variation": "7", "retake_of": "1"}
CLOSER = {"variance": "0.2,0.1", "variation": "7,8", "retake_of": "1,1"}
AS_IT_IS = {"variance": "0.2,0", "variation": "7,8", "retake_of": "1,2"}


@pytest.mark.parametrize(
    ("before", "now", "times", "needed_for"),
    [
        ({}, {}, False, ""),
        ({}, CLOSE, False, "variance"),
        (CLOSE, CLOSE, False, ""),  # with another seed: nobody sent variance
        (CLOSE, CLOSER, False, "variance"),
        (CLOSE, CLOSER, True, "variance"),
        (CLOSE, AS_IT_IS, True, "lyric_times"),
    ],
)
def test_what_this_request_asked_of_the_takes_noise_counts(before, now, times, needed_for):
    request = Cover(source="song.wav", options=now, lyric_times=times)
    assert needing_its_weights(request, SimpleNamespace(request={"options": before})) == needed_for
