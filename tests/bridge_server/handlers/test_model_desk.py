"""Models listed and fetched by clients of a real server, from a hub on this machine."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)")

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from tests.bridge_server import hub_server
from tests.bridge_server.cli.test_models import MAIN, TINY, TURBO, WORDS
from tests.bridge_server.hub_server import running, safetensors
from tests.bridge_server.peers import RpcError, ServerThread
from tests.bridge_server.servers import settings_in
from tests.doubles import ENGINES

WEIGHTS = f"{WORDS}/model.safetensors"


@pytest.fixture
def hub():
    files = {
        f"{WORDS}/config.json": b"{}", WEIGHTS: safetensors(weights=(12_000_000,)),
        f"{WORDS}/tokenizer.json": b"{}", f"{WORDS}/tokenizer_config.json": b"{}",
    }  # fmt: skip
    with running(hub_server.Hub({MAIN: files})) as served:
        yield served


@pytest.fixture
def server(hub, tmp_path):
    """A server with the engine that takes models, and one model in its folder."""
    shutil.copytree(TINY / TURBO, tmp_path / "models" / TURBO)
    setup = engine_setups(models=tmp_path / "models", device="cpu", memory_gb=4.0)[MODELS_ENGINE.name]
    engines = {**ENGINES, MODELS_ENGINE.name: setup}
    with ServerThread(settings_in(tmp_path, engines=engines, hub=hub.address)) as running_server:
        yield running_server


def refused(peer, method, **params):
    with pytest.raises(RpcError) as raised:
        peer.call(method, **params)
    assert raised.value.remedy
    return raised.value


def test_models_are_listed_fetched_and_followed(server, hub, tmp_path):
    with server.websocket() as peer:
        found = peer.call("models.list")
        assert (found["engine"], found["folder"], found["device"]) == (
            MODELS_ENGINE.name, str(tmp_path / "models"), "cpu",
        )  # fmt: skip
        assert (found["memory_limit"], found["transfer"]) == (4.0, None)
        models = {one["name"]: one for one in found["models"]}
        assert (models["turbo"]["state"], models["base"]["state"]) == ("here", "absent")
        assert models["text-encoder"]["licence"] == "Apache 2.0"
        assert models["turbo"]["page"] == f"https://huggingface.co/{MAIN}"
        assert models["base"]["get_bytes"] == sum(
            models[name]["published_bytes"] for name in ("base", "vae", "text-encoder")
        )
        assert refused(peer, "models.get", model="http://127.0.0.1/evil").field == "name"
        assert refused(peer, "models.cancel").code == "not_allowed"

        hub.stalls_after[WEIGHTS] = 20_000_000
        peer.call("watch", on=True)
        assert peer.call("models.get", model="text-encoder")["state"] == "checking"
        assert refused(peer, "models.get", model="vae").code == "not_allowed"
        assert peer.call("status")["queued"] == 0  # it answers meanwhile
        hub.go_on.set()
        heard = []
        while not heard or heard[-1]["state"] in ("checking", "fetching"):
            notice = peer.next_received()
            assert notice.name == "model"
            heard.append(notice.values)
        assert heard[-1]["state"] == "done"
        assert heard[-1]["done"] == heard[-1]["total"] > 48_000_000
        after = peer.call("models.list")
        assert {one["name"]: one["state"] for one in after["models"]}["text-encoder"] == "here"
        assert after["transfer"]["state"] == "done"


def test_a_server_without_such_an_engine_says_so(tmp_path):
    with ServerThread(settings_in(tmp_path)) as plain, plain.websocket() as peer:
        found = peer.call("models.list")
        assert (found["engine"], found["models"]) == ("", [])
        assert "no engine that uses models" in refused(peer, "models.get", model="turbo").sentence
