"""A program that follows a server's trainings, and the server it talks to: its trainer needs no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from bridge_server.settings import Settings
from tests.bridge_server.peers import ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
from tests.doubles import ENGINES

SMALL_TRAINER = "tests.bridge_server.training.small_trainer"
LONG = 100_000  # steps: more than any test takes

Moved = dict[str, Any]


def training_settings(folder: Path, **changes: Any) -> Settings:
    """For a server with a folder of models, which are not looked at until something is trained."""
    setup = engine_setups(models=folder / "models")[MODELS_ENGINE.name]
    return settings_in(folder, engines={**ENGINES, MODELS_ENGINE.name: setup}, **changes)


@contextmanager
def following(server: ServerThread) -> Iterator[WebSocketPeer]:
    with server.websocket() as peer:
        peer.call("watch", on=True)
        yield peer


def until(peer: WebSocketPeer, wanted: Callable[[Moved], bool]) -> Moved:
    """The next news of a training that is wanted."""
    while True:
        reply = peer.next_received()
        if reply.name == "training":
            if wanted(reply.values):
                return reply.values
            assert reply["state"] != "failed", reply.values


def until_state(peer: WebSocketPeer, *states: str) -> Moved:
    return until(peer, lambda moved: moved["state"] in states)


def until_step(peer: WebSocketPeer, step: int) -> Moved:
    return until(peer, lambda moved: moved.get("step", 0) >= step)
