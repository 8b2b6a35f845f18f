"""What the engines of trained networks have in common in tests: each in its own process behind a real server."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge_server.engines.registry import Options, engine_setups
from bridge_server.settings import Limits, Settings
from tests.bridge_server.peers import PATIENCE, RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in

Sound = np.ndarray[Any, Any]


@contextlib.contextmanager
def neural_server(
    folder: Path,
    engine: str,
    songs: Mapping[str, tuple[int, int, int]],
    options: Mapping[str, Options] | None = None,
) -> Iterator[ServerThread]:
    """A server with this engine alone, on a processor, for the models in `models`. songs: name to (rate, frames,
    channels), of noise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        settings = _settings(folder, engine, options)
        for name, (rate, frames, channels) in songs.items():
            song = np.random.default_rng(8).integers(-8_000, 8_000, (frames, channels), dtype=np.int16)
            soundfile.write(settings.roots[0] / f"{name}.wav", song, rate, subtype="PCM_16")
        with ServerThread(settings) as running:
            yield running


def _settings(folder: Path, engine: str, options: Mapping[str, Options] | None = None) -> Settings:
    setups = engine_setups(models=folder / "models", device="cpu", options=options or {})
    limits = Limits(describe_seconds=PATIENCE)
    return settings_in(folder, engines={engine: setups[engine]}, engine=engine, limits=limits)


def ended(peer: WebSocketPeer, job: str) -> dict[str, Any]:
    """How a job ended, however long importing torch takes on a busy machine."""
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            return peer.until_end(job)[-1].values
    raise AssertionError("the job does not end")


def clip(peer: WebSocketPeer, take: str) -> Sound:
    return soundfile.read(io.BytesIO(peer.fetch(take, "clip")), dtype="float32", always_2d=True)[0]


def rendered_twice(server: ServerThread, task: str, **asked: Any) -> tuple[dict[str, Any], Sound]:
    """What the take of a request says and its clip, which a second render of it must equal bit for bit."""
    with server.websocket() as peer:
        takes = []
        for _ in range(2):
            job = peer.call(task, **asked)["job"]
            ended(peer, job)
            (take,) = server.takes(job=job)
            takes.append(take.id)
        about = peer.call("takes.show", take=takes[0])
        first, second = (clip(peer, take) for take in takes)
    assert np.array_equal(first, second)
    assert about["receipt"]["exact"] is True
    return about, first


def refused_without_weights(folder: Path, engine: str) -> str:
    """What a server without any model answers to a new sound."""
    with ServerThread(_settings(folder, engine)) as server, server.websocket() as peer:
        with pytest.raises(RpcError) as refused:
            peer.call("generate", length=44_100, rate=44_100)
        return str(refused.value)
