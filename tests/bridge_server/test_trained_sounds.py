"""Three songs through a real server with untrained models, on a processor: an adapter, previews, a render with it; and
the same adapter, byte for byte, from a render host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from safetensors import safe_open

from bridge_server.studio import running_host
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.render_hosts import Cable, HostThread
from tests.bridge_server.studios import wait_until
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.training_peer import (
    following,
    training_settings,
    until_state,
    until_step,
)
from tests.bridge_server.training_hosts import doubles_described, laptop_settings, training_host
from tests.model.acestep.tiny_folder import write_models

WISH = {
    "name": "my_sound", "songs": "mine", "consent": True, "device": "cpu", "memory": 8, "rank": 4, "seconds": 1.0,
    "steps": 4, "accumulation": 1, "learning_rate": 0.02, "preview_every": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    folder = tmp_path_factory.mktemp("server")
    write_models(folder / "models", "acestep-v15-turbo")
    settings = training_settings(folder)
    three_songs(settings.roots[0] / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        with ServerThread(settings) as running:
            yield running


@pytest.fixture(scope="module")
def adapter(server: ServerThread) -> str:
    """Trained on this machine, as requests name it."""
    with following(server) as peer:
        listed = peer.call("training.list")
        assert (listed["ready"], listed["models"]) == (True, ["acestep-v15-turbo"])
        peer.call("training.start", **WISH)
        ended = until_state(peer, "done", "failed")
        assert ended["state"] == "done", ended
        return str(ended["adapter"])


def test_three_songs_become_a_sound_that_is_heard_in_a_render(
    server: ServerThread, adapter: str, tmp_path: Path
) -> None:
    with following(server) as peer:
        shown = peer.call("training.show", name="my_sound")
        assert len(shown["losses"]) == 4
        assert [step for step, _ in shown["checks"]] == [4]
        assert shown["previews"] == ["0", "4", "finished"]
        before, after = (heard(server, tmp_path, name) for name in ("0", "finished"))
        assert before.shape == after.shape
        assert np.abs(after - before).max() > 1e-4

        options = {"steps": 1, "adapter": adapter}
        replies = peer.render("generate", prompt="warm tape", length="2s", engine="acestep", options=options)
        assert replies[-1].name == "done", replies[-1].values
        take = next(reply["take"] for reply in replies if reply.name == "take")
        figures = json.dumps(peer.call("takes.show", take=take)["recipe"])
    folder = server.settings.store / "adapters" / "my_sound"
    assert '"adapter": "my_sound"' in figures
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    with safe_open(folder / "adapter_model.safetensors", framework="numpy") as opened:
        about = json.loads(opened.metadata()["takebridge"])
    assert len(about["consent"]["songs"]) == 3
    assert about["consent"]["songs"] == about["songs"]
    assert about["checkpoint"] == "acestep-v15-turbo"


def test_a_render_host_makes_the_same_sound(
    server: ServerThread, adapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cable cut after the first step."""
    monkeypatch.setattr(running_host, "offered", doubles_described)
    here = server.settings.store / "adapters" / adapter
    with safe_open(here, framework="numpy") as opened:
        consent = json.loads(opened.metadata()["takebridge"])["consent"]
    models = server.settings.engines["acestep"].models
    with (
        HostThread(training_host(tmp_path / "host", models)) as host,
        Cable(host.join) as cable,
        ServerThread(laptop_settings(tmp_path / "laptop", cable.join)) as laptop,
        following(laptop) as peer,
    ):
        store = laptop.settings.store
        (store / "training" / "my_sound").mkdir(parents=True)
        # That of the other one: the moment at which it was given is in the file.
        (store / "training" / "my_sound" / "consent.json").write_text(json.dumps(consent), encoding="utf-8")
        wait_until(lambda: peer.call("training.list")["hosts"][0]["ready"])
        peer.call("training.start", on="studio", **WISH)
        until_step(peer, 1)
        cable.cut()
        cable.mend()
        ended = until_state(peer, "done", "failed")
        assert ended["state"] == "done", ended
        shown = peer.call("training.show", name="my_sound")
    there = store / "adapters" / adapter
    assert there.read_bytes() == here.read_bytes()
    names = sorted(path.relative_to(here.parent) for path in here.parent.rglob("*") if path.is_file())
    assert (
        sorted(path.relative_to(there.parent) for path in there.parent.rglob("*") if path.is_file()) == names
    )
    assert shown["previews"] == ["0", "4", "finished"]
    assert not list((tmp_path / "host" / "trainings").iterdir())


def heard(server: ServerThread, folder: Path, name: str) -> np.ndarray:
    status, _, body = server.get(f"/trainings/my_sound/previews/{name}.wav")
    assert status == 200
    (folder / "heard.wav").write_bytes(body)
    samples, rate = soundfile.read(folder / "heard.wav")
    assert rate == 48_000
    return np.asarray(samples)
