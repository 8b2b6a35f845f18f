"""How soon a request is acknowledged: the first after a start, and any with idle cores and while a render has them all.

    python benchmarks/acknowledgement.py [--seconds 20]
    python benchmarks/acknowledgement.py --idle
    python benchmarks/acknowledgement.py --first 5

With --first, `takebridge serve` is started that many times and gets three repaints as soon as it says that it is ready.
Aim: 20 ms for the first one on a machine with nothing else to do.

A real server runs in a process of its own, its engine multiplies matrices on all cores (with --idle it sleeps), and a
client sends one message after another: once to the bridge by OSC and once by WebSocket (a repaint, which is queued and
acknowledged), once to a bare asyncio UDP echo in a process of its own, in turns, so that all meet the same load. Aims:
p99 of OSC at most 10 ms, and at most three times the echo's. The repaints are cancelled again, which is not timed.
Last comes the server's memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from websockets.sync.client import ClientConnection, connect

from bridge_server.server import running_server
from bridge_server.settings import Limits, Settings
from tests.bridge_server.peers import OscPeer, ServerProcess, datagram, noise_song
from tests.doubles import ENGINES

WARM_UP = 20
ECHO = "bare UDP echo"
AIM_MS, AIM_RATIO = 10.0, 3.0


class Echo(asyncio.DatagramProtocol):
    """Sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.transport.sendto(data, addr)  # type: ignore[attr-defined]


async def echo(ports: multiprocessing.Queue) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    ports.put(transport.get_extra_info("sockname")[1])
    await asyncio.Event().wait()


async def dispatcher(ports: multiprocessing.Queue, folder: Path, engine: str) -> None:
    settings = Settings(
        store=folder / "store", roots=(folder,), osc_port=0, websocket_port=0, engine=engine, engines=ENGINES,
        limits=Limits(queued_jobs=100_000),
    )  # fmt: skip
    async with running_server(settings) as server:
        ports.put((server.settings.osc_port, server.settings.websocket_port, os.getpid()))
        await asyncio.Event().wait()


def run_echo(ports: multiprocessing.Queue) -> None:
    asyncio.run(echo(ports))


def run_bridge(ports: multiprocessing.Queue, folder: Path, engine: str) -> None:
    os.environ.pop("OMP_NUM_THREADS", None)  # the render may have every core
    asyncio.run(dispatcher(ports, folder, engine))


@contextmanager
def process(target, *arguments) -> Iterator[Any]:
    """The process, and what it says of itself: the port it listens on, for one."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    # Not a daemon: the server has a child of its own.
    running = context.Process(target=target, args=(ports, *arguments))
    running.start()
    try:
        yield ports.get(timeout=60)
    finally:
        running.kill()
        running.join()


def round_trip(peer: socket.socket, port: int, data: bytes, wanted: bytes) -> float:
    """Milliseconds until the reply with that name came."""
    began = time.perf_counter()
    peer.sendto(data, ("127.0.0.1", port))
    while wanted not in peer.recv(65536):
        pass
    return 1000 * (time.perf_counter() - began)


def call_trip(connection: ClientConnection, method: str, number: int, **params: object) -> float:
    """Milliseconds until the answer with that number came."""
    text = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    began = time.perf_counter()
    connection.send(text)
    while json.loads(connection.recv()).get("id") != number:
        pass
    return 1000 * (time.perf_counter() - began)


def measure(osc_port: int, websocket_port: int, echo_port: int, seconds: float) -> dict[str, list[float]]:
    """Round trips by OSC, by WebSocket, and of the echo, in turns."""
    found: dict[str, list[float]] = {"OSC": [], "WebSocket": [], ECHO: []}
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
        connect(f"ws://127.0.0.1:{websocket_port}/", compression=None, proxy=None) as connection,
    ):
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(30)
        end = time.perf_counter() + seconds
        number = 0
        while time.perf_counter() < end:
            number += 1
            name = f"ack-{os.getpid()}-{number:06d}"
            region = ("source", "song.wav", "start", 1000, "end", 2000)
            message = datagram("/bridge/repaint", name, *region)
            by_osc = round_trip(peer, osc_port, message, b"/bridge/ack")
            fields = dict(zip(region[::2], region[1::2], strict=True))
            by_websocket = call_trip(connection, "repaint", number, id=name, **fields)
            by_echo = round_trip(peer, echo_port, message, b"/bridge/repaint")
            round_trip(peer, osc_port, datagram("/bridge/cancel", name), b"/bridge/ok")
            call_trip(connection, "cancel", -number, job=name)
            if number > WARM_UP:
                for times, took in zip(found.values(), (by_osc, by_websocket, by_echo), strict=True):
                    times.append(took)
            time.sleep(0.01)  # as a producer would: not a flood
    return found


def first_ones(folder: Path) -> None:
    """Prints the milliseconds of a new server's first acknowledgements."""
    noise_song(folder / "song.wav")
    began = time.perf_counter()
    server = ServerProcess(folder / "store", folder).start()
    ready = time.perf_counter() - began
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(30)
        region = ("source", "song.wav", "start", 1000, "end", 2000)
        times = [
            round_trip(
                peer, server.osc_port, datagram("/bridge/repaint", f"a{number}", *region), b"/bridge/ack"
            )
            for number in range(3)
        ]
    server.stop()
    print(f"ready after {ready:.2f} s, acknowledgements after {', '.join(f'{ms:.1f}' for ms in times)} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--first", type=int, default=0, metavar="TIMES")
    parser.add_argument("--idle", action="store_true")
    arguments = parser.parse_args()
    for _ in range(arguments.first):
        with tempfile.TemporaryDirectory() as name:
            first_ones(Path(name))
    if not arguments.first:
        during_a_render("slow" if arguments.idle else "busy", arguments.seconds)


def during_a_render(engine: str, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise_song(folder / "song.wav")
        with (
            process(run_echo) as echo_port,
            process(run_bridge, folder, engine) as (osc_port, websocket_port, pid),
        ):
            busy = OscPeer(osc_port)
            options = json.dumps({"seconds": seconds + 60})
            busy.send(
                "/bridge/repaint", "busy", "source", "song.wav", "start", 0, "end", 1000, "options", options
            )
            while busy.receive().values.get("stage") != "rendering":
                pass
            times = measure(osc_port, websocket_port, echo_port, seconds)
            memory = Path(f"/proc/{pid}/status").read_text() if sys.platform == "linux" else ""
            busy.close()
    show(times)
    for line in memory.splitlines():
        if line.startswith("VmRSS"):
            print(f"the server's memory: {int(line.split()[1]) / 1024:.0f} MB")


def show(found: dict[str, list[float]]) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {len(found[ECHO])} messages each")
    print(f"{'':>14} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for label, times in found.items():
        p50, p99 = np.percentile(times, [50, 99])
        print(f"{label:>14} {p50:8.2f} {p99:8.2f} {max(times):8.2f}")
    p99 = np.percentile(found["OSC"], 99)
    ratio = p99 / np.percentile(found[ECHO], 99)
    print(f"OSC p99 {p99:.2f} ms (aim {AIM_MS:g}), {ratio:.2f} times the echo's (aim {AIM_RATIO:g})")


if __name__ == "__main__":
    main()
