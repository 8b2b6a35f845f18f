"""How soon a request is acknowledged: the first after a start, and any with idle cores and while a render has them all.

    python -m benchmarks.acknowledgement [--seconds 20]
    python -m benchmarks.acknowledgement --idle
    python -m benchmarks.acknowledgement --first 5

With --first, `takebridge serve` is started that many times and gets three repaints as soon as it says that it is ready.
Aims on a machine with nothing else to do: ready within a second, and 10 ms for the first acknowledgement.

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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from benchmarks.figures import Aim, Figure
from bridge_server.server import running_server
from bridge_server.settings import Limits, Settings
from tests.bridge_server.peers import OscPeer, ServerProcess, datagram, noise_song
from tests.doubles import ENGINES

SECTION = "Acknowledgements"
WARM_UP = 20
FEWEST = 5  # messages that are timed, however slow the machine
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
        while time.perf_counter() < end or number < WARM_UP + FEWEST:
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


def first_ones(folder: Path) -> tuple[float, list[float]]:
    """Seconds until a new server is ready, and milliseconds of its first acknowledgements."""
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
    return ready, times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--first", type=int, default=0, metavar="TIMES")
    parser.add_argument("--idle", action="store_true")
    arguments = parser.parse_args()
    for _ in range(arguments.first):
        with tempfile.TemporaryDirectory() as name:
            ready, times = first_ones(Path(name))
        milliseconds = ", ".join(f"{took:.1f}" for took in times)
        print(f"ready after {ready:.2f} s, acknowledgements after {milliseconds} ms")
    if not arguments.first:
        times_by_way, memory = during_a_render("slow" if arguments.idle else "busy", arguments.seconds)
        show(times_by_way)
        if memory:
            print(f"the server's memory: {memory:.0f} MB")


def figures(starts: int, seconds: float) -> list[Figure]:
    """The figures of `starts` fresh servers, and of so many seconds during a render on all cores."""
    found = []
    for _ in range(starts):
        with tempfile.TemporaryDirectory() as name:
            found.append(first_ones(Path(name)))
    times, memory = during_a_render("busy", seconds)
    osc, bare = (float(np.percentile(times[way], 99)) for way in ("OSC", ECHO))
    figure = partial(Figure, SECTION)
    return [
        figure("a server is ready", float(np.median([ready for ready, _ in found])), "s", aim=Aim(1)),
        figure(
            "first acknowledgement", float(np.median([times[0] for _, times in found])), "ms", aim=Aim(10)
        ),
        figure("acknowledgement during a render, p99", osc, "ms", aim=Aim(AIM_MS)),
        figure(
            "the same against the echo",
            osc,
            "ms",
            bare,
            ECHO,
            Aim(1 / AIM_RATIO, at_least=True),
            ratio_aim=True,
        ),
        *([figure("memory after it", memory, "MB", aim=Aim(300))] if memory else ()),
    ]


def during_a_render(engine: str, seconds: float) -> tuple[dict[str, list[float]], float]:
    """Milliseconds by way, and the server's memory in MB (0 where the system does not say)."""
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
    resident = (int(line.split()[1]) / 1024 for line in memory.splitlines() if line.startswith("VmRSS"))
    return times, next(resident, 0.0)


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
