"""One real server for the tests that only ask it questions; those that break it start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bridge_server.settings import Limits
from tests.bridge_server.peers import OscPeer, ServerThread, WebSocketPeer, noise_song
from tests.bridge_server.servers import settings_in


@contextmanager
def shared_server(folder: Path, **changes: object) -> Iterator[ServerThread]:
    """A server with `song.wav` (one second) and `long.wav` (eight) under its root."""
    settings = settings_in(folder, limits=Limits(stop_seconds=0.5, queued_jobs=300), **changes)
    noise_song(settings.roots[0] / "song.wav")
    noise_song(settings.roots[0] / "long.wav", frames=8 * 48000, seed=2)
    with ServerThread(settings) as running:
        with running.osc() as osc:  # from here on the store knows the song, and the engine runs
            osc.render("/bridge/repaint", "first", "source", "song.wav", "start", 0, "end", 4800)
        yield running


@pytest.fixture(scope="module")  # a server for each file: what one leaves behind is no other's surprise
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """The server most tests share."""
    with shared_server(tmp_path_factory.mktemp("bridge")) as running:
        yield running


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerThread]]:
    """Starts servers of the test's own: `start_server(limits=..., host=...)`; they end with the test."""
    with ExitStack() as stack:

        def start(**changes: object) -> ServerThread:
            settings = settings_in(tmp_path, **changes)
            noise_song(settings.roots[0] / "song.wav")
            return stack.enter_context(ServerThread(settings))

        yield start


@pytest.fixture
def songs(server: ServerThread) -> Path:
    """The folder the shared server may read."""
    return server.settings.roots[0]


@pytest.fixture
def osc(server: ServerThread) -> Iterator[OscPeer]:
    """A script that talks OSC to the shared server, with a context of its own."""
    with server.osc() as peer:
        yield peer
        peer.send("/bridge/forget")
        peer.receive()


@pytest.fixture
def ws(server: ServerThread) -> Iterator[WebSocketPeer]:
    """A program that talks WebSocket to the shared server."""
    with server.websocket() as peer:
        yield peer
