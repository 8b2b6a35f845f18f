"""Three songs through a real server with untrained models, on a processor: an adapter, previews, a render with it."""

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

from tests.bridge_server.peers import ServerThread
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.training_peer import following, training_settings, until_state
from tests.model.acestep.tiny_folder import write_models


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerThread]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_models(tmp_path / "models", "acestep-v15-turbo")
    settings = training_settings(tmp_path)
    three_songs(settings.roots[0] / "mine")
    with ServerThread(settings) as running:
        yield running


def test_three_songs_become_a_sound_that_is_heard_in_a_render(server: ServerThread, tmp_path: Path) -> None:
    with following(server) as peer:
        listed = peer.call("training.list")
        assert (listed["ready"], listed["models"]) == (True, ["acestep-v15-turbo"])
        peer.call(
            "training.start", name="my_sound", songs="mine", consent=True, device="cpu", memory=8, rank=4,
            seconds=1.0, steps=4, accumulation=1, learning_rate=0.02, preview_every=4,
        )  # fmt: skip
        ended = until_state(peer, "done", "failed")
        assert ended["state"] == "done", ended
        shown = peer.call("training.show", name="my_sound")
        assert len(shown["losses"]) == 4
        assert [step for step, _ in shown["checks"]] == [4]
        assert shown["previews"] == ["0", "4", "finished"]
        before, after = (heard(server, tmp_path, name) for name in ("0", "finished"))
        assert before.shape == after.shape
        assert np.abs(after - before).max() > 1e-4

        options = {"steps": 1, "adapter": ended["adapter"]}
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


def heard(server: ServerThread, folder: Path, name: str) -> np.ndarray:
    status, _, body = server.get(f"/trainings/my_sound/previews/{name}.wav")
    assert status == 200
    (folder / "heard.wav").write_bytes(body)
    samples, rate = soundfile.read(folder / "heard.wav")
    assert rate == 48_000
    return np.asarray(samples)
