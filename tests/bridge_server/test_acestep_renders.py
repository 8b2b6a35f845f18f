"""The ACE-Step engine in its own process behind a real server, with untrained models: the takes are noise."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install ace-bridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install ace-bridge[acestep]"
)

from bridge_server.engines import ACESTEP, with_models
from tests.bridge_server.conftest import settings_in
from tests.bridge_server.peers import ServerThread, WebSocketPeer
from tests.model.acestep.tiny_folder import write_models

DEMO_SONG = Path(__file__).parents[2] / "examples" / "demo_song" / "demo_song.flac"
RATE = 48_000
START, END = 2 * RATE + 7, 3 * RATE + 12
UNTRAINED = "untrained test weights: noise"


@pytest.fixture(scope="module")
def acestep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """A server whose only weights are an untrained turbo checkpoint, with six seconds of the demo song."""
    folder = tmp_path_factory.mktemp("acestep")
    models = write_models(folder / "models & more", "acestep-v15-turbo")
    engines = {ACESTEP: f"{with_models(models)[ACESTEP]}&device=cpu&memory_gb=100"}
    settings = settings_in(folder, engine=ACESTEP, engines=engines)
    samples, _ = soundfile.read(DEMO_SONG, frames=6 * RATE, dtype="int16")
    soundfile.write(settings.roots[0] / "song.wav", samples, RATE, subtype="PCM_16")
    with ServerThread(settings) as server:
        with server.websocket() as peer:
            load_engine(peer)
        yield server


def load_engine(ws: WebSocketPeer) -> None:
    """Renders once, with more patience than a reply deserves: importing torch on a busy machine takes its time."""
    asked = {"source": "song.wav", "start": START, "end": END, "options": {"steps": 1}, "title": UNTRAINED}
    job = ws.call("repaint", **asked)["job"]
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            assert ws.until_end(job)[-1].name == "done"
            return
    raise AssertionError("the engine does not start")


@pytest.fixture
def ws(acestep: ServerThread) -> Iterator[WebSocketPeer]:
    with acestep.websocket() as peer:
        yield peer


def repaint(ws: WebSocketPeer, **more: Any) -> dict[str, Any]:
    """The take of a repaint."""
    asked = {"start": START, "end": END, "seed": 5, "options": {"steps": 2}, "title": UNTRAINED, **more}
    replies = ws.render("repaint", source="song.wav", **asked)
    assert replies[-1].name == "done", replies[-1].values
    (take,) = [reply.values for reply in replies if reply.name == "take"]
    about: dict[str, Any] = ws.call("takes.show", take=take["take"])
    return about | {"id": take["take"]}


def audio(ws: WebSocketPeer, take: str, what: str) -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(ws.fetch(take, what)), dtype="int16")
    return samples


def test_a_repaint_is_exact_and_touches_nothing_outside(ws: WebSocketPeer, acestep: ServerThread) -> None:
    about = repaint(ws)
    receipt = about["receipt"]
    assert (receipt["position"], receipt["length"], receipt["rate"]) == (START, END - START, RATE)
    assert (receipt["exact"], receipt["outside_identical"]) == (True, True)
    song, _ = soundfile.read(acestep.settings.roots[0] / "song.wav", dtype="int16")
    clip, result = audio(ws, about["id"], "clip"), audio(ws, about["id"], "song")
    assert len(clip) == END - START
    assert np.array_equal(result[:START], song[:START])
    assert np.array_equal(result[START:END], clip)
    assert np.array_equal(result[END:], song[END:])
    assert np.abs(clip.astype(int) - song[START:END]).max() > 100
    recipe = about["recipe"]
    assert (recipe["engine"], recipe["neural"], recipe["weights"]) == (ACESTEP, True, "acestep-v15-turbo")
    assert (recipe["figures"]["steps"], recipe["figures"]["device"]) == (2, "cpu")


def test_equal_seeds_give_equal_clips(ws: WebSocketPeer) -> None:
    once, again, other = (audio(ws, repaint(ws, seed=seed)["id"], "clip") for seed in (8, 8, 9))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_what_turbo_cannot_do_is_refused_at_once(acestep: ServerThread) -> None:
    with acestep.osc() as osc:
        reply = osc.render("/bridge/extract", "stems", "source", "song.wav")[-1]
    assert reply["code"] == "cannot_render"
    assert "only base checkpoints were trained for it" in reply["sentence"]
    assert "ace-bridge models pull acestep-v15-base" in reply["remedy"]
