from pathlib import Path

import pytest

from bridge_server.engines.registry import (
    ACESTEP,
    BUILT_IN,
    EngineRegistry,
    make_engine,
    refuse_unusable,
    target_of,
    with_models,
)
from daw_protocol.errors import ErrorCode, ProtocolError
from model.sketch.engine import SketchEngine
from tests.doubles import ENGINES, NoiseEngine


def refusal(build, *args) -> ProtocolError:
    with pytest.raises(ProtocolError) as raised:
        build(*args)
    return raised.value


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
