"""MusicGen Melody in its own process behind a real server, with random weights: exact clips, and whose licence."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

from bridge_server.engines.registry import engine_setups
from bridge_server.settings import Limits
from model.musicgen.published_musicgen import LICENCE
from model.musicgen.renderer import NOT_COMMERCIAL
from tests.bridge_server.peers import PATIENCE, RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
from tests.model.musicgen.tiny_musicgen import write_musicgen

ENGINE = "musicgen"
RATE, FRAMES = 44_100, 2 * 44_100 + 13
GAP = (50_001, 80_000)
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    # name: task, what is asked, length of the clip
    "continue": ("complete", {"source": "song.wav", "start": FRAMES, "end": FRAMES + 30_001}, 30_001),
    "a gap": ("complete", {"source": "song.wav", "start": GAP[0], "end": GAP[1]}, GAP[1] - GAP[0]),
    "accompany": ("accompany", {"source": "song.wav"}, FRAMES),
    "generate": ("generate", {"length": 3 * 48_000 + 7, "rate": 48_000}, 3 * 48_000 + 7),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        folder = tmp_path_factory.mktemp("musicgen")
        write_musicgen(folder / "models" / "musicgen-stereo-melody", stereo=True)
        engines = {ENGINE: engine_setups(models=folder / "models", device="cpu")[ENGINE]}
        settings = settings_in(
            folder, engines=engines, engine=ENGINE, limits=Limits(describe_seconds=PATIENCE)
        )
        song = np.random.default_rng(8).integers(-8_000, 8_000, (FRAMES, 2), dtype=np.int16)
        soundfile.write(settings.roots[0] / "song.wav", song, RATE, subtype="PCM_16")
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
    task, more, length = CASES[name]
    with server.websocket() as peer:
        takes = []
        for _ in range(2):
            job = peer.call(task, seed=7, bpm=120, prompt="funk", **more)["job"]
            ended(peer, job)
            (take,) = server.takes(job=job)
            takes.append(take.id)
        about = peer.call("takes.show", take=takes[0])
        first, second = (clip(peer, take) for take in takes)
    receipt, recipe = about["receipt"], about["recipe"]
    assert receipt["exact"] is True
    assert (len(first), receipt["length"], receipt["rate"]) == (length, length, more.get("rate", RATE))
    if task == "complete":
        assert receipt["outside_identical"] is True
    assert np.array_equal(first, second)
    assert first.std() > 0.01
    assert (recipe["engine"], recipe["neural"]) == (ENGINE, True)
    assert recipe["weights"] == "musicgen-stereo-melody"
    assert recipe["licence"] == LICENCE
    assert NOT_COMMERCIAL in recipe["notes"]
    assert recipe["figures"]["follows_melody"] is (task == "accompany")


@pytest.mark.slow
def test_a_cancelled_render_stops_and_its_process_stays(server: ServerThread) -> None:
    with server.websocket() as peer:
        job = peer.call("generate", length=590 * 22_050, rate=22_050)["job"]
        peer.frame_where(
            lambda frame: frame.get("method") == "progress" and frame["params"]["stage"] == "generating"
        )
        pids = server.on_loop(server.server.engines.pids)
        peer.call("cancel", job=job)
        assert peer.until_end(job)[-1].name == "cancelled"
        assert not server.takes(job=job)
        assert peer.render("generate", length=22_050, rate=22_050)[-1].name == "done"
        assert server.on_loop(server.server.engines.pids) == pids, "it stopped when it was asked to"


@pytest.mark.slow
def test_what_it_cannot_do_is_refused_at_once_with_a_remedy(server: ServerThread) -> None:
    with server.websocket() as peer:
        described = peer.call("engines")["engines"][ENGINE]
        assert set(described["can"]) == {"complete", "accompany", "generate"}
        assert "not for commercial use" in described["label"]
        for task in ("repaint", "extract", "lego", "cover"):
            with pytest.raises(RpcError, match="MusicGen"):
                peer.call(task, source="song.wav", bpm=120, start=0, end=RATE)
        with pytest.raises(RpcError, match="600"):
            peer.call("generate", length=601 * 22_050, rate=22_050)


@pytest.mark.slow
def test_without_weights_it_says_what_to_run(tmp_path: Path) -> None:
    engines = {ENGINE: engine_setups(models=tmp_path / "models", device="cpu")[ENGINE]}
    settings = settings_in(tmp_path, engines=engines, engine=ENGINE, limits=Limits(describe_seconds=PATIENCE))
    with ServerThread(settings) as server, server.websocket() as peer:
        with pytest.raises(RpcError, match="No MusicGen Melody checkpoint is here") as refused:
            peer.call("generate", length=RATE, rate=RATE)
        assert "takebridge models pull musicgen-stereo-melody" in str(refused.value)
