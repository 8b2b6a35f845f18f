"""How soon an OSC request is acknowledged: the first after a start, and any while a render keeps every core busy.

    python benchmarks/acknowledgement.py [--seconds 20]
    python benchmarks/acknowledgement.py --first 5

With --first, `takebridge serve` is started that many times and gets three repaints as soon as it says that it is ready.
Aim: 20 ms for the first one on a machine with nothing else to do.

A real server runs in a process of its own, its engine multiplies matrices on all cores, and a client sends one
message after another: once to the bridge (a repaint, which is queued and acknowledged), once to a bare asyncio UDP
echo in a process of its own, in turns, so that both meet the same load. Aims: p99 of the bridge at most 10 ms, and
at most three times the echo's. The repaints are cancelled again, which is not timed.
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

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from bridge_server.server import running_server
from bridge_server.settings import Limits, Settings
from tests.bridge_server.peers import OscPeer, ServerProcess, datagram, noise_song
from tests.doubles import ENGINES

WARM_UP = 20
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


async def dispatcher(ports: multiprocessing.Queue, folder: Path) -> None:
    settings = Settings(
        store=folder / "store", roots=(folder,), osc_port=0, websocket_port=0, engine="busy", engines=ENGINES,
        limits=Limits(queued_jobs=100_000),
    )  # fmt: skip
    async with running_server(settings) as server:
        ports.put(server.settings.osc_port)
        await asyncio.Event().wait()


def run_echo(ports: multiprocessing.Queue) -> None:
    asyncio.run(echo(ports))


def run_bridge(ports: multiprocessing.Queue, folder: Path) -> None:
    os.environ.pop("OMP_NUM_THREADS", None)  # the render may have every core
    asyncio.run(dispatcher(ports, folder))


@contextmanager
def process(target, *arguments) -> Iterator[int]:
    """The process, and the port it listens on."""
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


def measure(osc_port: int, echo_port: int, seconds: float) -> tuple[list[float], list[float]]:
    """Round trips of the bridge and of the echo, in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(30)
        end = time.perf_counter() + seconds
        number = 0
        while time.perf_counter() < end:
            number += 1
            name = f"ack-{os.getpid()}-{number:06d}"
            region = ("source", "song.wav", "start", 1000, "end", 2000)
            message = datagram("/bridge/repaint", name, *region)
            bridge_ms = round_trip(peer, osc_port, message, b"/bridge/ack")
            echo_ms = round_trip(peer, echo_port, message, b"/bridge/repaint")
            round_trip(peer, osc_port, datagram("/bridge/cancel", name), b"/bridge/ok")
            if number > WARM_UP:
                found[0].append(bridge_ms)
                found[1].append(echo_ms)
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
    arguments = parser.parse_args()
    for _ in range(arguments.first):
        with tempfile.TemporaryDirectory() as name:
            first_ones(Path(name))
    if not arguments.first:
        under_load(arguments.seconds)


def under_load(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise_song(folder / "song.wav")
        with process(run_echo) as echo_port, process(run_bridge, folder) as osc_port:
            busy = OscPeer(osc_port)
            options = json.dumps({"seconds": seconds + 60})
            busy.send(
                "/bridge/repaint", "busy", "source", "song.wav", "start", 0, "end", 1000, "options", options
            )
            while busy.receive().values.get("stage") != "rendering":
                pass
            took, echoed = measure(osc_port, echo_port, seconds)
            busy.close()
    show(took, echoed)


def show(took: list[float], echoed: list[float]) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {len(took)} messages each")
    print(f"{'':>22} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for label, times in (("bridge acknowledges", took), ("bare UDP echo", echoed)):
        p50, p99 = np.percentile(times, [50, 99])
        print(f"{label:>22} {p50:8.2f} {p99:8.2f} {max(times):8.2f}")
    ratio = np.percentile(took, 99) / np.percentile(echoed, 99)
    p99 = np.percentile(took, 99)
    print(f"p99 {p99:.2f} ms (aim {AIM_MS:g}), {ratio:.2f} times the echo's (aim {AIM_RATIO:g})")


if __name__ == "__main__":
    main()
