"""A server's process with a small song, for one fault at a time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bridge_server.peers import PATIENCE, ServerProcess, WebSocketPeer, band_song, websocket
from tests.faults.asks import BARS, BPM, SONG

REPAINT: dict[str, Any] = {"source": SONG, "bars": "3", "bpm": BPM, "handles": 0.1}


class Rig:
    """spec: faults that tests/faults/wrapped.py puts into the process; words: more of its command line."""

    def __init__(self, folder: Path, spec: dict[str, Any] | None = None, words: tuple[str, ...] = ()) -> None:
        self.songs = folder / "songs"
        self.songs.mkdir()
        band_song(self.songs / SONG, bars=BARS * 120 // round(BPM))
        store = folder / "store"
        program = (sys.executable, "-m", "tests.faults.wrapped", json.dumps(spec), "--store", str(store))
        self.server = ServerProcess(store, self.songs, words=words, program=program if spec else ())

    @contextlib.contextmanager
    def running(self) -> Iterator[Rig]:
        """With the server started; it is killed afterwards, whatever has become of it."""
        self.server.start()
        try:
            yield self
        finally:
            self.server.kill()

    @property
    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def websocket(self) -> contextlib.AbstractContextManager[WebSocketPeer]:
        return websocket(self.server.address["websocket_port"])

    def engine_pids(self) -> list[int]:
        with self.websocket() as peer:
            return list(peer.call("status")["engine_processes"].values())

    def render(self, **changes: Any) -> list[Any]:
        """A repaint of one bar: every reply up to its end."""
        with self.websocket() as peer:
            return peer.render("repaint", **{**REPAINT, **changes})

    def verified(self) -> list[str]:
        """What is wrong with the store, as the server finds."""
        with self.websocket() as peer:
            return list(peer.call("store.verify")["problems"])

    def wait(self) -> int:
        """The exit status, once it has ended."""
        assert self.server.process is not None
        return self.server.process.wait(PATIENCE)


@contextlib.contextmanager
def suspended(pid: int) -> Iterator[None]:
    """A process that does nothing while the block runs, as on a laptop that sleeps."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
