import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bridge_server.engines.registry import (
    BUILT_IN,
    DEFAULT_ENGINE,
    MODELS_ENGINE,
    EngineSetup,
    engine_setups,
    installed_engines,
    make_engine,
    on_another_machine,
    on_device,
    options_by_engine,
    setup_of,
)
from daw_protocol.errors import ErrorCode
from model.errors import NotLoaded
from tests.doubles import ENGINES, NoiseEngine
from tests.refusals import refusal

SKETCH, ACESTEP, ACESTEP_V1, STEMS, *_ = BUILT_IN


def test_every_built_in_engine_can_be_made_and_knows_its_name():
    for spec in BUILT_IN:
        described = make_engine(EngineSetup(spec.target)).describe()
        assert described.name == spec.name
        assert described.label.startswith(spec.label)
    assert SKETCH.name == DEFAULT_ENGINE
    assert MODELS_ENGINE is ACESTEP


def test_each_engine_gets_what_it_takes_of_the_servers_options():
    kernels = Path("kernels.json")
    found = engine_setups(models=Path("models"), device="cpu", memory_gb=4.0, kernels=kernels)
    assert found[ACESTEP.name].options == {
        "folder": "models", "device": "cpu", "memory_gb": 4.0, "kernels": "kernels.json",
    }  # fmt: skip
    assert found[ACESTEP_V1.name].options == found[ACESTEP.name].options
    assert found[STEMS.name].options == {"folder": "models", "device": "cpu"}
    assert found[SKETCH.name].options == {"separators": "models", "device": "cpu"}
    assert found[SKETCH.name].models is None, "its description does not change with what is in the folder"
    for name, setup in found.items():
        assert make_engine(setup).describe().name == name
    assert not any(setup.options for setup in engine_setups(device="cpu").values())
    elsewhere = on_another_machine(found[ACESTEP.name].options, Path("its own.json"))
    assert elsewhere == {**found[ACESTEP.name].options, "kernels": "its own.json"}
    assert on_another_machine(found[STEMS.name].options, kernels) == found[STEMS.name].options


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("a_package_nobody_has.engine:Engine", "a_package_nobody_has"),
        ("model.engine:NoSuchEngine", "NoSuchEngine"),
    ],
)
def test_an_engine_whose_code_is_missing(target, reason):
    with pytest.raises(NotLoaded) as raised:
        make_engine(EngineSetup(target))
    assert reason in raised.value.sentence
    assert "pip install" in raised.value.remedy
    assert "takebridge[" not in raised.value.remedy, "no package of ours brings it"


@dataclass(frozen=True)
class Words:
    folder: str = ""
    device: str = "auto"
    memory_gb: float = 0.0
    mode: str = "plain"


class EngineWithWords(NoiseEngine):
    """Can be set up with words, like an engine that has weights somewhere."""

    config_type = Words

    def __init__(self, config: Words) -> None:
        self.words = config


WITH_WORDS = f"{__name__}:EngineWithWords"


@pytest.mark.parametrize("options", [{}, {"folder": "C:\\my models", "mode": ""}, {"memory_gb": "5.5"}])
def test_an_engine_is_made_with_its_own_config(options):
    found = make_engine(EngineSetup(WITH_WORDS, options)).words
    assert found == Words(**{**options, **({"memory_gb": 5.5} if "memory_gb" in options else {})})


def test_a_wrong_start_option_is_named():
    with pytest.raises(NotLoaded, match="no start option called 'mood'"):
        make_engine(EngineSetup(WITH_WORDS, {"mood": "calm"}))
    with pytest.raises(NotLoaded, match="no start option called 'mood'"):
        make_engine(replace(ENGINES["noise"], options={"mood": "calm"}))


@pytest.mark.parametrize("folder", ["/plain", "/with spaces & more?=100%", "C:\\Mods\\ä#ü", "relative/one"])
def test_a_folder_of_models_reaches_the_engine_as_it_is(folder):
    with_words = replace(ACESTEP, target=WITH_WORDS)
    setups = engine_setups((SKETCH, with_words), Path(folder), device="", memory_gb=5.5)
    setup = setups[ACESTEP.name]
    assert setup == EngineSetup(WITH_WORDS, {"folder": folder, "memory_gb": 5.5})
    assert setup.models == Path(folder)
    assert make_engine(setup).words == Words(folder, memory_gb=5.5)
    assert setups[SKETCH.name] == EngineSetup(SKETCH.target, {"separators": folder})


def test_without_a_folder_of_models_no_engine_gets_device_or_memory():
    expected = {spec.name: EngineSetup(spec.target) for spec in BUILT_IN}
    assert engine_setups(device="cuda", memory_gb=8.0) == expected


def test_start_options_of_a_command_line_reach_their_engine():
    names = (SKETCH.name, ACESTEP.name, "my.engine")
    given = ["acestep.checkpoint=base", "my.engine.mode=a=b", "acestep.device="]
    found = options_by_engine(given, names)
    assert found == {ACESTEP.name: {"checkpoint": "base", "device": ""}, "my.engine": {"mode": "a=b"}}
    setups = engine_setups(models=Path("models"), device="cpu", options=found)
    assert setups[ACESTEP.name].options == {"folder": "models", "device": "", "checkpoint": "base"}


@pytest.mark.parametrize(
    "given", ["checkpoint=base", "acestep.checkpoint", "nobody.x=1", "acestep.=1", "=1", ""]
)
def test_a_start_option_of_no_engine_is_refused(given):
    error = refusal(options_by_engine, [given], (SKETCH.name, ACESTEP.name))
    assert (error.code, error.field) == (ErrorCode.UNKNOWN_FIELD, "engine-option")
    assert "ENGINE.NAME=VALUE" in error.remedy


def test_an_engine_nobody_knows():
    error = refusal(setup_of, "skech", ENGINES)
    assert (error.code, error.field) == (ErrorCode.UNKNOWN_ENGINE, "engine")
    assert "sketch" in error.remedy
    assert setup_of("noise", ENGINES) == ENGINES["noise"]


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


def test_only_engines_that_take_a_device_get_another_one(tmp_path):
    setups = {
        **engine_setups(models=tmp_path, device="cuda"),
        "other": EngineSetup("a:B", {"device": "mine"}),
    }
    found = on_device(setups, "cuda:1")
    taking = [spec.name for spec in BUILT_IN if "device" in spec.shared]
    assert {"sketch", "acestep", "musicgen"} <= set(taking)
    assert {found[name].options["device"] for name in taking} == {"cuda:1"}
    assert found["comfyui"] is setups["comfyui"]
    assert found["other"] is setups["other"]
    assert on_device(setups, "") == setups
