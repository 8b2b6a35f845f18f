"""What the options shared by all commands mean."""

from __future__ import annotations

import shutil
import sys

import pytest

from bridge_server.cli.arguments import engines_of, models_of, screen_of, settings_of, store_of
from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from bridge_server.platforms import kernels_file, models_folder, old_store_folder, store_folder
from daw_protocol.errors import ProtocolError
from tests.bridge_server.cli.test_parser import parse
from tests.bridge_server.cli.test_serve_settings import serve_arguments
from tests.places import GOLDEN

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the user's data folder cannot be chosen there"
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))


def test_a_named_folder_is_the_engines(tmp_path):
    assert engines_of(serve_arguments(tmp_path)) == engine_setups(models=tmp_path, kernels=kernels_file())
    assert engines_of(serve_arguments(tmp_path / "other", "--models", str(tmp_path))) == engine_setups(
        models=tmp_path, kernels=kernels_file()
    )


def test_device_and_memory_reach_the_engine(tmp_path):
    words = ("--device", "cuda:1", "--memory-gb", "5.50")
    found = engines_of(serve_arguments(tmp_path, *words))
    assert found == engine_setups(models=tmp_path, device="cuda:1", memory_gb=5.5, kernels=kernels_file())
    assert found[MODELS_ENGINE.name].options == {
        "folder": str(tmp_path), "device": "cuda:1", "memory_gb": 5.5, "kernels": str(kernels_file())
    }  # fmt: skip
    assert "device" not in engines_of(serve_arguments(tmp_path))[MODELS_ENGINE.name].options


def test_start_options_reach_their_engine(tmp_path):
    words = ("--engine-option", f"{MODELS_ENGINE.name}.checkpoint=base", "--device", "cpu")
    options = engines_of(serve_arguments(tmp_path, *words))[MODELS_ENGINE.name].options
    assert options == {
        "folder": str(tmp_path), "device": "cpu", "checkpoint": "base", "kernels": str(kernels_file())
    }  # fmt: skip
    with pytest.raises(ProtocolError, match="does not name an engine's option"):
        engines_of(serve_arguments(tmp_path, "--engine-option", "checkpoint=base"))


def test_another_store_than_the_default_is_taken_as_it_is(tmp_path):
    shutil.copytree(GOLDEN / "old_store" / "ace-bridge", old_store_folder())
    assert store_of(parse("--store", str(tmp_path / "mine"), "jobs")) == tmp_path / "mine"
    assert not store_folder().exists()


def test_the_default_store_takes_over_that_of_the_old_name_and_its_models_go_along(capsys):
    shutil.copytree(GOLDEN / "old_store" / "ace-bridge", old_store_folder())
    (old_store_folder() / "checkpoints").mkdir()
    arguments = parse("--store", str(store_folder()), "--models", str(models_folder()), "jobs", "--json")
    assert models_of(arguments) == old_store_folder() / "checkpoints"
    settings = settings_of(arguments)
    assert settings.store == store_folder()
    assert (store_folder() / "store.sqlite3").is_file()
    assert models_of(arguments) == store_folder() / "checkpoints"
    assert settings.engines == engine_setups(models=store_folder() / "checkpoints", kernels=kernels_file())
    assert capsys.readouterr().out == "", "JSON stays JSON"


@pytest.mark.parametrize("as_json", [True, False])
def test_where_a_command_prints(as_json):
    assert screen_of(parse("jobs", *(["--json"] if as_json else []))).as_json is as_json
