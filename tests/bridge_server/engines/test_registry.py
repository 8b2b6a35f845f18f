from pathlib import Path

import pytest

from bridge_server.engines.limits import refuse_impossible, refuse_too_long, unread_words
from bridge_server.engines.registry import (
    ACESTEP,
    BUILT_IN,
    EngineRegistry,
    make_engine,
    refuse_unusable,
    target_of,
    with_models,
)
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import Accompany, Cover, Extract, Lego, Repaint
from model.engine import Capability, EngineDescription, Task, TextLimit
from model.sketch.engine import SketchEngine
from tests.doubles import ENGINES, NoiseEngine
from tests.refusals import refusal

PLAYER = EngineDescription(
    name="player",
    label="Player",
    neural=False,
    tasks=(
        Capability(Task.REPAINT, True),
        Capability(Task.EXTRACT, True),
        Capability(Task.ACCOMPANY, True),
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


def test_the_built_in_engine():
    assert isinstance(make_engine(BUILT_IN["sketch"]), SketchEngine)


def test_an_engine_whose_packages_are_missing():
    error = refusal(make_engine, "a_package_nobody_has.engine:Engine")
    assert (error.code, error.field) == (ErrorCode.ENGINE_NOT_READY, "engine")
    assert "a_package_nobody_has" in error.sentence
    assert "pip install" in error.remedy


class EngineWithWords(NoiseEngine):
    """Can be set up with words, like an engine that has weights somewhere."""

    def __init__(self, folder: str = "", mode: str = "plain") -> None:
        self.words = (folder, mode)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", ("", "plain")),
        ("?folder=%2Fmodels", ("/models", "plain")),
        ("?folder=C%3A%5Cmy+models&mode=", ("C:\\my models", "")),
    ],
)
def test_an_engine_is_set_up_by_its_target(query, words):
    assert make_engine(f"tests.bridge_server.engines.test_registry:EngineWithWords{query}").words == words


@pytest.mark.parametrize("folder", ["/plain", "/with spaces & more?=100%", "C:\\Mods\\ä#ü", "relative/one"])
def test_a_folder_of_models_survives_its_way_into_a_target(folder):
    target = with_models(Path(folder))[ACESTEP].replace(
        BUILT_IN[ACESTEP], "tests.bridge_server.engines.test_registry:EngineWithWords"
    )
    assert make_engine(target).words == (folder, "plain")
    assert set(with_models(Path(folder))) == set(BUILT_IN)


def test_an_engine_that_can_do_nothing_is_refused_with_its_own_reason(tmp_path):
    error = refusal(refuse_unusable, BUILT_IN[ACESTEP])
    assert (error.code, error.sentence) == (ErrorCode.ENGINE_NOT_READY, "No ACE-Step weights are configured.")
    assert "takebridge models pull turbo" in error.remedy
    refuse_unusable(BUILT_IN["sketch"])


def test_an_engine_nobody_knows():
    error = refusal(target_of, "skech", ENGINES)
    assert (error.code, error.field) == (ErrorCode.UNKNOWN_ENGINE, "engine")
    assert "sketch" in error.remedy
    assert target_of("noise", ENGINES) == ENGINES["noise"]


def test_engines_are_asked_once():
    engines = EngineRegistry(ENGINES)
    assert engines.describe("noise").name == "noise"
    assert engines.describe("noise") is engines.describe("noise")
    assert refusal(engines.describe, "nobody").code is ErrorCode.UNKNOWN_ENGINE


@pytest.mark.parametrize(
    ("request_", "field", "words"),
    [
        (Lego(), "engine", "The Player engine does not do lego."),
        (Repaint(layers="bass only"), "layers", "does not know 'bass only'"),
        (Extract(stems="vocals,flute"), "stems", "does not know 'flute'"),
        (Accompany(instruments="piano"), "instruments", "does not know 'piano'"),
        (Repaint(options={"stpes": 8}), "options", "does not know 'stpes'"),
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


def test_words_that_may_not_be_read_are_told_beforehand():
    assert unread_words(PLAYER, Repaint(prompt="x" * 300)) == ""
    assert "about 100 tokens" in unread_words(PLAYER, Repaint(prompt="x" * 301))
    assert "prompt: " in unread_words(PLAYER, Repaint(prompt="雨" * 101))
    both = unread_words(PLAYER, Repaint(prompt="x" * 301, lyrics="la"))
    assert "lyrics: the Player engine does not read them." in both
    assert both.startswith("prompt: ")


def test_the_engines_own_reason_is_told():
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
