"""A server in a process of its own, with sound cards that keep what is played: `python -m ...rig_server FOLDER`.

It has the doubles' engines and one more, whose render comes bar by bar, each when the test lets it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bridge_server.server import running_server
from tests.bridge_server.audition import sound_card
from tests.bridge_server.peers import PATIENCE, WebSocketPeer, environment, websocket
from tests.bridge_server.servers import settings_in
from tests.doubles import ENGINES, GATED
from tests.places import PROJECT


class RigServer:
    """The process. `played(card)`: what a card has played, float32 [frames, channels], without silence around it."""

    def __init__(self, folder: Path, rate: int = 48000, channels: int = 2) -> None:
        self.folder = folder
        self.channels = channels
        self.songs = folder / "songs"
        self.songs.mkdir(parents=True)
        cards = sound_card.configure(folder, rate, channels)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bridge_server.audition.rig_server", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT,
            env={**environment(), "PYTHONPATH": str(PROJECT), "ALSA_CONFIG_PATH": str(cards)},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server did not start"
        self.port = int(json.loads(line)["port"])

    def websocket(self) -> Any:
        return websocket(self.port)

    def played(self, card: str = "card") -> np.ndarray:
        end = time.monotonic() + PATIENCE
        while self.card_process(card) is not None:  # it still reads what the device was given last
            assert time.monotonic() < end, f"{card} is not given back"
            time.sleep(0.02)
        found = np.fromfile(self.folder / f"{card}.raw", "<f4").reshape(-1, self.channels)
        sounding = np.flatnonzero(found.any(axis=1))
        return found[sounding[0] : sounding[-1] + 1] if len(sounding) else found[:0]

    def card_process(self, card: str = "card") -> int | None:
        """Id of the process that plays the card's part; None while the card is not in use."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(self.folder / f"{card}.raw").encode() in words and words[0].endswith(b"python"):
                return int(folder.name)
        return None

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.stdout.close()


def until(peer: WebSocketPeer, wanted: Any, patience: float = PATIENCE) -> dict[str, Any]:
    """The first state of the audition for which `wanted` holds; asks for it again and again."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        state: dict[str, Any] = peer.call("audition.show")
        if wanted(state):
            return state
        time.sleep(0.005)
    raise AssertionError(f"never came to it; last: {state}")


async def serve(folder: Path) -> None:
    settings = settings_in(folder, engines={**ENGINES, "gated": GATED}, sound=True, places=2)
    async with running_server(settings) as server:
        print(json.dumps({"port": server.settings.websocket_port}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    os.setpgrp()  # Ctrl-C in the terminal is the test's affair
    asyncio.run(serve(Path(sys.argv[1])))
