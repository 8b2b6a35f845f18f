"""Switching latency, processor load and underruns of playback: python -m benchmarks.audition.

Plays through the virtual sound card of the tests, which records its input (Linux, PortAudio), in a server of its own,
first idle, then while the sketch engine renders and eight threads of the server's own process compute.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from tests.bridge_server.audition import sound_card
from tests.bridge_server.conftest import settings_in
from tests.bridge_server.peers import ServerThread, WebSocketPeer, band_song

RATE = 48000
SECONDS = 15.0
THREADS = 8


def main() -> None:
    """Prints the figures of docs/audition.md."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        os.environ["ALSA_CONFIG_PATH"] = str(sound_card.configure(path, RATE))
        settings = settings_in(path / "server", engine="sketch", sound=True)
        band_song(settings.roots[0] / "song.wav", 32, RATE)
        with ServerThread(settings) as server, server.websocket() as ws:
            received = ws.render("repaint", source="song.wav", bpm=120, bars="9-12", takes=2, seed=1)
            take = next(reply["take"] for reply in received if reply.name == "take")
            ws.call("audition.device", name="card")
            measure(server, ws, take, "idle")
            job = ws.call("repaint", source="song.wav", bpm=120, bars="5-28", takes=8, seed=2)["job"]
            stop = threading.Event()
            workers = [threading.Thread(target=compute, args=(stop,)) for _ in range(THREADS)]
            for worker in workers:
                worker.start()
            measure(server, ws, take, f"while a render runs and {THREADS} threads compute in the server")
            stop.set()
            ws.call("cancel", job=job)


def measure(server: ServerThread, ws: WebSocketPeer, take: str, how: str) -> None:
    ws.call("audition.play", take=take)
    playback = server.server.controller.player.playback
    assert playback is not None
    cpu, began = time.process_time(), time.perf_counter()
    while time.perf_counter() - began < SECONDS / 2:
        time.sleep(0.25)
        ws.call("audition.show")
    share = (time.process_time() - cpu) / (time.perf_counter() - began)
    answered = []
    while time.perf_counter() - began < SECONDS:
        asked = time.perf_counter()
        ws.call("audition.ab")
        answered.append(time.perf_counter() - asked)
        time.sleep(0.2)
    ahead = [(switch.frame - switch.taken) / RATE for switch in playback.switches]
    latency = playback.outlet.latency
    state = ws.call("audition.stop")
    typical, worst = (1000 * (found(ahead) + latency) for found in (statistics.median, max))
    soon, late = (1000 * found(answered) for found in (statistics.median, max))
    print(f"{how}:")
    print(
        f"  {len(ahead)} switches, audible {typical:.0f} ms after they are executed, {worst:.0f} ms at most;"
    )
    print(f"    {1000 * latency:.0f} ms of that is the device's latency")
    print(f"  response after {soon:.0f} ms, {late:.0f} ms at most")
    print(f"  written too late: {sum(switch.late for switch in playback.switches)}")
    print(f"  processor: {100 * share:.1f} % of one core; underruns: {playback.underruns} ({state['state']})")


def compute(stop: threading.Event) -> None:
    """Python and numpy by turns, as splicing and measuring do."""
    samples = np.random.default_rng(0).standard_normal(480_000)
    while not stop.is_set():
        np.fft.rfft(samples)
        sum(range(20_000))


if __name__ == "__main__":
    main()
