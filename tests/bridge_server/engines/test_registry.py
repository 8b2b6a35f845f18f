import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.engines.registry import (
    BUILT_IN,
    DEFAULT_ENGINE,
    MODELS_ENGINE,
    arguments_in,
    engine_targets,
    installed_engines,
    make_engine,
    target_of,
)
from daw_protocol.errors import ErrorCode
from model.errors import NotLoaded
from tests.doubles import ENGINES, NoiseEngine
from tests.refusals import refusal

SKETCH, ACESTEP = BUILT_IN


def test_every_built_in_engine_can_be_made_and_knows_its_name():
    for spec in BUILT_IN:
        described = make_engine(spec.target).describe()
        assert described.name == spec.name
        assert described.label.startswith(spec.label)
    assert SKETCH.name == DEFAULT_ENGINE
    assert MODELS_ENGINE is ACESTEP


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("a_package_nobody_has.engine:Engine", "a_package_nobody_has"),
        ("model.engine:NoSuchEngine", "NoSuchEngine"),
    ],
)
def test_an_engine_whose_code_is_missing(target, reason):
    with pytest.raises(NotLoaded) as raised:
        make_engine(target)
    assert reason in raised.value.sentence
    assert "pip install" in raised.value.remedy
    assert "takebridge[" not in raised.value.remedy, "no package of ours brings it"


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
    with_words = replace(ACESTEP, target="tests.bridge_server.engines.test_registry:EngineWithWords")
    targets = engine_targets((SKETCH, with_words), Path(folder), mode="", device="")
    assert arguments_in(targets[ACESTEP.name]) == {"folder": folder}
    assert make_engine(targets[ACESTEP.name]).words == (folder, "plain")
    assert targets[SKETCH.name] == SKETCH.target, "it takes no models"


def test_without_a_folder_of_models_no_engine_gets_arguments():
    assert engine_targets(device="cuda") == {spec.name: spec.target for spec in BUILT_IN}


def test_an_engine_nobody_knows():
    error = refusal(target_of, "skech", ENGINES)
    assert (error.code, error.field) == (ErrorCode.UNKNOWN_ENGINE, "engine")
    assert "sketch" in error.remedy
    assert target_of("noise", ENGINES) == ENGINES["noise"]


def bring(folder: Path, package: str, entry_points: str) -> None:
    """What an installer leaves of a package that brings engines."""
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder where packages are installed."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_engines_of_other_packages_come_after_ours(packages):
    bring(packages, "granular", "[takebridge.engines]\ngrains = granular.engine:Grains\n")
    bring(packages, "unrelated", "[console_scripts]\nother = unrelated:main\n")
    found = installed_engines()
    assert found.specs[: len(BUILT_IN)] == BUILT_IN
    assert [(spec.name, spec.target) for spec in found.specs[len(BUILT_IN) :]] == [
        ("grains", "granular.engine:Grains")
    ]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("entry_points", "word"),
    [
        ("[takebridge.engines]\nsketch = granular.engine:Grains\n", "already has that name"),
        ("[takebridge.engines]\nGrains of Sand = granular.engine:Grains\n", "does not name an engine"),
        ("[takebridge.engines]\ngrains = granular.engine\n", "does not name an engine"),
        ("[takebridge.engines]\ngrains\n", "cannot be read"),
    ],
)
def test_a_package_that_is_wrong_is_passed_over_with_a_sentence(packages, entry_points, word):
    bring(packages, "granular", entry_points)
    found = installed_engines()
    assert found.specs == BUILT_IN
    (problem,) = found.problems
    assert problem.startswith("granular: ")
    assert word in problem


def test_two_packages_with_one_name_and_one_package_found_twice(packages):
    bring(packages, "granular", "[takebridge.engines]\ngrains = granular.engine:Grains\n")
    bring(packages, "granular2", "[takebridge.engines]\ngrains = granular2.engine:Grains\n")
    (packages / "again").mkdir()
    bring(packages / "again", "granular", "[takebridge.engines]\ngrains = granular.engine:Grains\n")
    sys.path.append(str(packages / "again"))
    try:
        found = installed_engines()
    finally:
        sys.path.remove(str(packages / "again"))
    assert [spec.name for spec in found.specs[len(BUILT_IN) :]] == ["grains"]
    assert len(found.problems) == 1, "one of the two packages"
