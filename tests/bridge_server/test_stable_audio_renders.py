"""Stable Audio Open in its own process behind a real server, with random weights: exact clips, and whose licence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers", reason="Stable Audio needs diffusers: pip install takebridge[stable-audio]")

from model.stable_audio.published_stable_audio import LICENCE
from model.stable_audio.renderer import LICENSED
from tests.bridge_server.neural_renders import neural_server, refused_without_weights, rendered_twice
from tests.bridge_server.peers import RpcError, ServerThread, WebSocketPeer
from tests.model.stable_audio.tiny_stable_audio import write_stable_audio

ENGINE = "stable-audio"
RATE, FRAMES = 48_000, 6 * 48_000 + 13
QUICK = {"steps": 10}
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    # name: task, what is asked, length of the clip
    "repaint": ("repaint", {"source": "song.wav", "start": 50_001, "end": 120_000, "strength": 0.7}, 69_999),
    "one sample of mono": ("repaint", {"source": "mono.wav", "start": 50_001, "end": 50_002}, 1),
    "generate": ("generate", {"length": 3 * 44_100 + 7, "rate": 44_100}, 3 * 44_100 + 7),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    folder = tmp_path_factory.mktemp("stable_audio")
    write_stable_audio(folder / "models" / "stable-audio-open-1.0")
    songs = {"song": (RATE, FRAMES, 2), "mono": (RATE, FRAMES, 1)}
    with neural_server(folder, ENGINE, songs) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_task_is_exact_labelled_and_the_same_twice(server: ServerThread, name: str) -> None:
    task, more, length = CASES[name]
    about, first = rendered_twice(server, task, seed=7, bpm=120, prompt="funk", options=QUICK, **more)
    receipt, recipe = about["receipt"], about["recipe"]
    assert (len(first), receipt["length"], receipt["rate"]) == (length, length, more.get("rate", RATE))
    if task == "repaint":
        assert receipt["outside_identical"] is True
    assert (recipe["engine"], recipe["neural"]) == (ENGINE, True)
    assert recipe["weights"] == "stable-audio-open-1.0"
    assert recipe["licence"] == LICENCE
    assert LICENSED in recipe["notes"]
    assert ("noise" in recipe["figures"]) is (task == "repaint")


@pytest.mark.slow
def test_a_cancelled_render_stops_within_its_steps_and_its_process_stays(server: ServerThread) -> None:
    with server.websocket() as peer:
        more = {"length": 3 * 22_050, "rate": 22_050}
        job = peer.call("generate", options={"steps": 500}, takes=8, **more)["job"]
        peer.frame_where(
            lambda frame: (
                frame.get("method") == "progress" and frame["params"]["stage"].startswith("generating")
            )
        )
        pids = server.on_loop(server.server.engines.pids)
        peer.call("cancel", job=job)
        assert peer.until_end(job)[-1].name == "cancelled"
        assert peer.render("generate", options=QUICK, **more)[-1].name == "done"
        assert server.on_loop(server.server.engines.pids) == pids, "it stopped when it was asked to"


def said(peer: WebSocketPeer, **asked: Any) -> str:
    """What is answered to a new sound that cannot be made, at once or by its job."""
    try:
        return str(peer.render("generate", **asked)[-1].values)
    except RpcError as refused:
        return str(refused)


@pytest.mark.slow
def test_what_it_cannot_do_is_refused_at_once_with_a_remedy(server: ServerThread) -> None:
    with server.websocket() as peer:
        described = peer.call("engines")["engines"][ENGINE]
        assert set(described["can"]) == {"repaint", "generate"}
        assert "1 million USD" in described["label"]
        for task in ("extract", "lego", "cover", "accompany", "complete"):
            with pytest.raises(RpcError, match="Stable Audio Open"):
                peer.call(task, source="song.wav", bpm=120, start=0, end=RATE)
        for asked, words in (
            ({"length": 4 * RATE}, "at most 3.9 s at a time"),
            ({"length": RATE, "prompt": "rain " * 2_000}, "at most 2000 characters"),
            ({"length": RATE, "options": {"steps": 3}}, "The option steps cannot be"),
        ):
            assert words in said(peer, rate=RATE, **asked)


@pytest.mark.slow
def test_without_weights_it_says_what_to_run(tmp_path: Path) -> None:
    refused = refused_without_weights(tmp_path, ENGINE)
    assert "No Stable Audio Open checkpoint is here" in refused
    assert "takebridge models pull stable-audio-open" in refused
