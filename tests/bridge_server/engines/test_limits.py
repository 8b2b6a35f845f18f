"""What an engine cannot do is refused with its field, its reason and a remedy."""

from dataclasses import replace

import pytest

from bridge_server.engines.limits import refuse_impossible, refuse_too_long
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import Accompany, Analyse, Cover, Extract, Generate, Lego, Repaint
from model.engine import Capability, EngineDescription, Task, TextLimit
from tests.refusals import refusal

PLAYER = EngineDescription(
    name="player",
    label="Player",
    neural=False,
    tasks=(
        Capability(Task.REPAINT, True),
        Capability(Task.EXTRACT, True),
        Capability(Task.ACCOMPANY, True),
        Capability(Task.GENERATE, True),
        Capability(Task.ANALYSE, True),
        Capability(Task.COVER, False, "It has no ears.", "Use another engine."),
    ),
    layers=("drums only",),
    stems=("vocals", "drums"),
    options={"steps": "how many"},
    max_seconds=60,
    prompt=TextLimit(characters=500, tokens=100),
    lyrics=TextLimit(tokens=0),
    languages=("en", "unknown"),
)


def test_more_than_one_take_of_an_engine_that_makes_one():
    same = replace(PLAYER, one_take="Every take would be the same.")
    refuse_impossible(same, Repaint(takes=1))
    refuse_impossible(PLAYER, Repaint(takes=2))
    found = refusal(lambda: refuse_impossible(same, Repaint(takes=2)))
    assert (found.code, found.sentence, found.field) == (ErrorCode.CANNOT_RENDER, same.one_take, "takes")
    assert found.remedy == "Ask for one take."


@pytest.mark.parametrize(
    ("request_", "field", "words"),
    [
        (Lego(), "engine", "The Player engine does not support lego."),
        (Repaint(layers="bass only"), "layers", "does not know 'bass only'"),
        (Extract(stems="vocals,flute"), "stems", "does not know 'flute'"),
        (Accompany(instruments="piano"), "instruments", "does not know 'piano'"),
        (Accompany(chords="Am F"), "chords", "chords: the Player engine cannot follow given chords"),
        (Repaint(options={"stpes": 8}), "options", "does not know 'stpes'"),
        (Generate(lyrics="la", lyric_times=True), "lyric_times", "does not know when its lyrics are sung"),
        (Analyse(words=True, start=0, end=100), "start", "no planner to describe a part of the song"),
        (Repaint(language="tlh"), "language", "does not know 'tlh'"),
    ],
    ids=lambda one: getattr(one, "task", None),
)
def test_what_an_engine_cannot_do_is_refused_with_a_remedy(request_, field, words):
    error = refusal(refuse_impossible, PLAYER, request_)
    assert (error.code, error.field) == (ErrorCode.CANNOT_RENDER, field)
    assert words in error.sentence
    assert error.remedy


def test_words_that_are_too_many_are_refused_at_once_with_where_they_begin():
    refuse_impossible(PLAYER, Repaint(prompt="x" * 500))
    error = refusal(refuse_impossible, PLAYER, Repaint(prompt="x" * 499 + " one two three four five"))
    assert (error.code, error.field) == (ErrorCode.TOO_LARGE, "prompt")
    assert "at most 500 characters, got 523" in error.sentence
    assert "'one two three four'" in error.remedy


def test_the_engines_own_reason_is_given():
    error = refusal(refuse_impossible, PLAYER, Cover())
    assert (error.sentence, error.remedy) == ("It has no ears.", "Use another engine.")


def test_remedies_name_what_there_is():
    assert refusal(refuse_impossible, PLAYER, Repaint(layers="x")).remedy == "It knows: all, drums only."
    assert refusal(refuse_impossible, PLAYER, Accompany(instruments="x")).remedy == "Omit it."


@pytest.mark.parametrize(
    "request_",
    [
        Repaint(),
        Repaint(layers="drums only", options={"steps": 1}),
        Extract(stems="drums,vocals"),
        Accompany(),
    ],
)
def test_what_an_engine_can_do(request_):
    refuse_impossible(PLAYER, request_)


def test_a_region_may_be_as_long_as_the_engine_says():
    refuse_too_long(PLAYER, 60.0)
    error = refusal(refuse_too_long, PLAYER, 60.1)
    assert (error.code, error.field) == (ErrorCode.TOO_LARGE, "end")
    assert "at most 60 s" in error.sentence


@pytest.mark.parametrize("lyrics", ["", "[Instrumental]", "[Verse]\n\n[Chorus]"])
def test_there_must_be_a_line_to_time(lyrics):
    singer = replace(PLAYER, times_lyrics=True, lyrics=TextLimit())
    error = refusal(refuse_impossible, singer, Generate(lyrics=lyrics, lyric_times=True))
    assert (error.code, error.field) == (ErrorCode.MISSING_FIELD, "lyric_times")
    refuse_impossible(singer, Generate(lyrics="[Verse]\nla", lyric_times=True))
