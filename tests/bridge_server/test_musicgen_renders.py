"""MusicGen Melody in its own process behind a real server, with random weights: exact clips, and whose licence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

from model.musicgen.published_musicgen import LICENCE
from model.musicgen.renderer import NOT_COMMERCIAL
from tests.bridge_server.neural_renders import neural_server, refused_without_weights, rendered_twice
from tests.bridge_server.peers import RpcError, ServerThread
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
    folder = tmp_path_factory.mktemp("musicgen")
    write_musicgen(folder / "models" / "musicgen-stereo-melody", stereo=True)
    with neural_server(folder, ENGINE, {"song": (RATE, FRAMES, 2)}) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_task_is_exact_labelled_and_the_same_twice(server: ServerThread, name: str) -> None:
    task, more, length = CASES[name]
    about, first = rendered_twice(server, task, seed=7, bpm=120, prompt="funk", **more)
    receipt, recipe = about["receipt"], about["recipe"]
    assert (len(first), receipt["length"], receipt["rate"]) == (length, length, more.get("rate", RATE))
    if task == "complete":
        assert receipt["outside_identical"] is True
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
    refused = refused_without_weights(tmp_path, ENGINE)
    assert "No MusicGen Melody checkpoint is here" in refused
    assert "takebridge models pull musicgen-stereo-melody" in refused
