"""Stems by a network through a real server: its own process, clips that sum to the song, honest receipts."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("demucs", reason="separation by network needs demucs: pip install takebridge[stems]")

from bridge_server.engines.registry import engine_setups
from bridge_server.settings import Limits
from tests.bridge_server.peers import PATIENCE, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
from tests.model.stems.networks import write_weights

RATE = 48_000
START, END = 10_001, 40_000


def samples_of(peer: WebSocketPeer, take: str) -> np.ndarray:
    return soundfile.read(io.BytesIO(peer.fetch(take, "clip")), dtype="float64", always_2d=True)[0]


def ended(peer: WebSocketPeer, job: str) -> str:
    """How a job ended, however long importing torch takes on a busy machine."""
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            return peer.until_end(job)[-1].name
    raise AssertionError("the job does not end")


@pytest.mark.slow
def test_stems_come_back_exact_and_say_how_they_were_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_weights(tmp_path / "models")
    engines = {"stems": engine_setups(models=tmp_path / "models", device="cpu")["stems"]}
    settings = settings_in(
        tmp_path, engines=engines, engine="stems", limits=Limits(describe_seconds=PATIENCE)
    )
    song = np.random.default_rng(8).integers(-8_000, 8_000, (RATE, 2), dtype=np.int16)
    soundfile.write(settings.roots[0] / "song.wav", song, RATE, subtype="PCM_16")
    asked: dict[str, Any] = {"source": "song.wav", "start": START, "end": END, "stems": ["vocals", "bass"]}
    with ServerThread(settings) as server, server.websocket() as peer:
        assert peer.call("engines")["engines"]["stems"]["stems"] == ["vocals", "drums", "bass", "other"]
        job = peer.call("extract", **asked)["job"]
        assert ended(peer, job) == "done"
        takes = {take.stem: take.id for take in server.takes(job=job)}
        assert set(takes) == {"vocals", "bass", "residual"}
        total = np.sum([samples_of(peer, take) for take in takes.values()], axis=0)
        assert np.abs(total - song[START:END] / 2**15).max() < 1e-6
        about = peer.call("takes.show", take=takes["vocals"])
        assert about["recipe"]["weights"] == "HTDemucs 955717e8"
        assert "neural network" in about["recipe"]["method"]
        assert set(about["recipe"]["figures"]["confidence"]) == {"vocals", "bass"}
        assert about["receipt"]["sum_error"] < 1e-6
