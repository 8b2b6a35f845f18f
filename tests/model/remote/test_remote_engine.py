"""What every engine of another program's server says of itself, and where it is kept from being used by mistake."""

import pytest

from bridge_server.engines.registry import BUILT_IN, EngineSetup, make_engine
from model.engine import Task
from model.errors import NotLoaded
from model.remote.acestep_cpp import AcestepCppEngine
from model.remote.remote_engine import RemoteConfig
from tests.model.remote.ace_double import AceDouble

REMOTE = [spec for spec in BUILT_IN if spec.target.startswith("model.remote.")]


@pytest.mark.parametrize("spec", REMOTE, ids=lambda spec: spec.name)
def test_without_an_address_it_is_off_and_says_how_to_use_it(spec, monkeypatch):
    engine = make_engine(EngineSetup(spec.target))
    monkeypatch.setattr(type(engine), "default_address", "http://127.0.0.1:1")
    found = engine.describe()
    assert {found.capability(task).available for task in Task} == {False}
    reason = found.capability(Task.REPAINT)
    assert "No address" in reason.reason
    assert f"--engine-option {spec.name}.address=http://127.0.0.1" in reason.remedy
    with pytest.raises(NotLoaded):
        engine.load(lambda _: None)


def test_a_server_that_runs_here_is_offered_and_not_used(monkeypatch):
    with AceDouble() as double:
        monkeypatch.setattr(AcestepCppEngine, "default_address", double.address)
        found = AcestepCppEngine().describe().capability(Task.REPAINT)
        assert not found.available
        assert f"runs at {double.address}" in found.reason
        assert f"--engine-option acestep-cpp.address={double.address}" in found.remedy
        assert set(double.paths()) == {"/props"}, "no song is sent to a server that nobody named"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"address": "127.0.0.1:8080"}, "must look like"),
        ({"address": "http://192.168.1.5:8080", "token": "secret"}, "over https"),
        ({"address": "http://127.0.0.1:8080", "token": "Schlüssel"}, "token may only hold"),
        ({"port": "8080"}, "no start option"),
    ],
)
def test_wrong_start_options(options, told):
    with pytest.raises(NotLoaded, match=told):
        make_engine(EngineSetup("model.remote.acestep_cpp:AcestepCppEngine", options))


def test_the_token_shows_nowhere():
    assert "secret" not in repr(RemoteConfig("http://127.0.0.1:8001", "secret"))
