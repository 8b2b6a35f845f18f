"""ACE-Step v1 in its own process behind a real server, with an untrained checkpoint: exact clips, honest receipts."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

from bridge_server.engines.registry import engine_setups
from bridge_server.settings import Limits
from tests.bridge_server.peers import PATIENCE, RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        folder = tmp_path_factory.mktemp("v1")
        models = write_v1(folder / "models")
        start = {ENGINE: {"precision": "float32"}}
        engines = {ENGINE: engine_setups(models=models, device="cpu", options=start)[ENGINE]}
        settings = settings_in(
            folder, engines=engines, engine=ENGINE, limits=Limits(describe_seconds=PATIENCE)
        )
        for name, (rate, channels) in FORMATS.items():
            song = np.random.default_rng(8).integers(
                -8_000, 8_000, (SECONDS * rate, channels), dtype=np.int16
            )
            soundfile.write(settings.roots[0] / f"{name}.wav", song, rate, subtype="PCM_16")
        (settings.roots[0] / "lora.safetensors").write_bytes(TINY_V1_LORA.read_bytes())
        with ServerThread(settings) as running:
            yield running


def ended(peer: WebSocketPeer, job: str) -> dict[str, Any]:
    """How a job ended, however long importing torch takes on a busy machine."""
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            return peer.until_end(job)[-1].values
    raise AssertionError("the job does not end")


def clip(peer: WebSocketPeer, take: str) -> np.ndarray[Any, Any]:
    return soundfile.read(io.BytesIO(peer.fetch(take, "clip")), dtype="float32", always_2d=True)[0]


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
    with server.websocket() as peer:
        takes = []
        for _ in range(2):
            job = peer.call(task, **asked)["job"]
            ended(peer, job)
            (take,) = server.takes(job=job)
            takes.append(take.id)
        about = peer.call("takes.show", take=takes[0])
        receipt, recipe = about["receipt"], about["recipe"]
        assert receipt["exact"] is True
        assert (receipt["length"], receipt["rate"]) == (round(end * rate) - round(start * rate), rate)
        if task in ("repaint", "complete"):
            assert receipt["outside_identical"] is True
        first, second = (clip(peer, take) for take in takes)
    assert first.shape == (receipt["length"], channels)
    assert np.array_equal(first, second)
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
