"""Stable Audio Open in its own process behind a real server, with random weights: exact clips, and whose licence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("diffusers", reason="Stable Audio needs diffusers: pip install takebridge[stable-audio]")

from bridge_server.engines.registry import engine_setups
from bridge_server.settings import Limits
from model.stable_audio.published_stable_audio import LICENCE
from model.stable_audio.renderer import LICENSED
from tests.bridge_server.peers import PATIENCE, RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
from tests.bridge_server.test_musicgen_renders import clip, ended
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        folder = tmp_path_factory.mktemp("stable_audio")
        write_stable_audio(folder / "models" / "stable-audio-open-1.0")
        engines = {ENGINE: engine_setups(models=folder / "models", device="cpu")[ENGINE]}
        settings = settings_in(
            folder, engines=engines, engine=ENGINE, limits=Limits(describe_seconds=PATIENCE)
        )
        song = np.random.default_rng(8).integers(-8_000, 8_000, (FRAMES, 2), dtype=np.int16)
        soundfile.write(settings.roots[0] / "song.wav", song, RATE, subtype="PCM_16")
        soundfile.write(settings.roots[0] / "mono.wav", song[:, 0], RATE, subtype="PCM_16")
        with ServerThread(settings) as running:
            yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_task_is_exact_labelled_and_the_same_twice(server: ServerThread, name: str) -> None:
    task, more, length = CASES[name]
    with server.websocket() as peer:
        takes = []
        for _ in range(2):
            job = peer.call(task, seed=7, bpm=120, prompt="funk", options=QUICK, **more)["job"]
            ended(peer, job)
            (take,) = server.takes(job=job)
            takes.append(take.id)
        about = peer.call("takes.show", take=takes[0])
        first, second = (clip(peer, take) for take in takes)
    receipt, recipe = about["receipt"], about["recipe"]
    assert receipt["exact"] is True
    assert (len(first), receipt["length"], receipt["rate"]) == (length, length, more.get("rate", RATE))
    if task == "repaint":
        assert receipt["outside_identical"] is True
    assert np.array_equal(first, second)
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
    engines = {ENGINE: engine_setups(models=tmp_path / "models", device="cpu")[ENGINE]}
    settings = settings_in(tmp_path, engines=engines, engine=ENGINE, limits=Limits(describe_seconds=PATIENCE))
    with ServerThread(settings) as server, server.websocket() as peer:
        with pytest.raises(RpcError, match="No Stable Audio Open checkpoint is here") as refused:
            peer.call("generate", length=RATE, rate=RATE)
        assert "takebridge models pull stable-audio-open" in str(refused.value)
