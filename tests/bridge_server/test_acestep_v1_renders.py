"""ACE-Step v1 in its own process behind a real server, with an untrained checkpoint: exact clips, honest receipts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

from tests.bridge_server.neural_renders import neural_server, rendered_twice
from tests.bridge_server.peers import RpcError, ServerThread
from tests.model.acestep_v1.golden_v1 import TINY_V1_LORA
from tests.model.acestep_v1.tiny_v1 import write_v1

ENGINE = "acestep-v1"
FAST = {"steps": 2, "guidance": 1}
FORMATS = {"mono44": (44_100, 1), "stereo48": (48_000, 2), "stereo96": (96_000, 2)}
SECONDS = 2
CASES: dict[str, tuple[str, str, tuple[float, float], dict[str, Any]]] = {
    # name: song, task, seconds on the timeline, what is asked besides
    "repaint 44.1 mono": ("mono44", "repaint", (0.5, 1.1), {"prompt": "brushes", "lyrics": "[Verse 2]\nab"}),
    "repaint 48 stereo": ("stereo48", "repaint", (0.9, 1.3), {"strength": 0.6, "key": "C minor"}),
    "continue 96 stereo": ("stereo96", "complete", (2.0, 2.6), {"ending": True}),
    "cover 44.1 mono": ("mono44", "cover", (0.0, 2.0), {"prompt": "string quartet"}),
    "edit 48 stereo": ("stereo48", "cover", (0.0, 2.0), {"options": {**FAST, "steps": 3, "edit": "lyrics"}}),
    "adapter 48 stereo": ("stereo48", "repaint", (0.5, 1.0), {"options": {**FAST, "adapter": "lora.safetensors"}}),
    "generate": ("", "generate", (0.0, 0.7), {"prompt": "funk", "rate": 44_100, "bpm": 105}),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    folder = tmp_path_factory.mktemp("v1")
    write_v1(folder / "models")
    songs = {name: (rate, SECONDS * rate, channels) for name, (rate, channels) in FORMATS.items()}
    with neural_server(folder, ENGINE, songs, {ENGINE: {"precision": "float32"}}) as running:
        (running.settings.roots[0] / "lora.safetensors").write_bytes(TINY_V1_LORA.read_bytes())
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_task_is_exact_labelled_and_the_same_twice(server: ServerThread, name: str) -> None:
    song, task, (start, end), more = CASES[name]
    rate, channels = FORMATS.get(song, (more.get("rate", 48_000), 2))
    asked: dict[str, Any] = {"seed": 7, "options": FAST, **more}
    if song:
        asked |= {"source": f"{song}.wav", "bpm": 120}
    if task in ("repaint", "complete"):
        asked |= {"start": round(start * rate), "end": round(end * rate)}
    elif task == "generate":
        asked |= {"length": round(end * rate)}
    about, first = rendered_twice(server, task, **asked)
    receipt, recipe = about["receipt"], about["recipe"]
    assert (receipt["length"], receipt["rate"]) == (round(end * rate) - round(start * rate), rate)
    if task in ("repaint", "complete"):
        assert receipt["outside_identical"] is True
    assert first.shape == (receipt["length"], channels)
    assert first.any()
    assert (recipe["engine"], recipe["neural"]) == (ENGINE, True)
    assert recipe["weights"].startswith("ACE-Step-v1-3.5B")
    assert recipe["weights"].endswith("adapter lora") is ("adapter" in name)
    assert "Noise from untrained weights" in recipe["method"]


@pytest.mark.slow
def test_what_it_cannot_do_is_refused_at_once_with_a_remedy(server: ServerThread) -> None:
    with server.websocket() as peer:
        for task, more in (("extract", {}), ("accompany", {}), ("lego", {})):
            with pytest.raises(RpcError, match="ACE-Step v1 cannot"):
                peer.call(task, source="stereo48.wav", bpm=120, **more)
        described = peer.call("engines")["engines"][ENGINE]
        assert described["weights"] == "ACE-Step-v1-3.5B"
