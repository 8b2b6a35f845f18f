"""Renders on a render host: what the link costs, and what happens when something breaks.

    python -m benchmarks.studio                 # figures, in half a minute
    python -m benchmarks.studio --kills 20      # and so many jobs whose engines are killed and whose cable is cut
    python -m benchmarks.studio --ray           # with actors of a Ray cluster as places

Host, bridge and cable are on this machine, so the network is as quick as its memory; engines draw noise, or sleep where
places are compared. Exit status 1 when a take differs from that of a bridge alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.figures import machine
from bridge_server.engines.host import EngineHost, RenderCancelledError, ignore_progress
from bridge_server.engines.messages import EngineFolders, RenderCommand
from bridge_server.engines.process import EngineProcess
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.host_places import ClusterSettings
from clip_store.audio.audio import Audio, Encoding
from clip_store.blobs import BlobStore
from tests.bridge_server.render_hosts import (
    UNHURRIED,
    Cable,
    HostThread,
    host_settings,
    kept_up,
    link_to,
    order,
)
from tests.bridge_server.studios import Studio, killed_at_random
from tests.doubles import ENGINES

RUNS = 9
SECONDS = 1.0  # of a render that sleeps


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--kills", type=int, default=0, metavar="N", help="jobs with something killed in each"
    )
    parser.add_argument("--ray", action="store_true", help="places are actors of a Ray cluster")
    given = parser.parse_args()
    cluster = ClusterSettings("", 2) if given.ray else None
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        measure(Path(scratch), cluster)
        return 1 if given.kills and killed(Path(scratch), given.kills, cluster) else 0


def measure(folder: Path, cluster: ClusterSettings | None) -> None:
    """Prints the figures."""
    settings = host_settings(folder / "host", ("noise", "slow"), cluster=cluster)
    with HostThread(settings) as host, Cable(host.join) as cable:
        asyncio.run(_measured(folder, host, cable))


async def _measured(folder: Path, host: HostThread, cable: Cable) -> None:
    here = EngineProcess(ENGINES["noise"], EngineFolders(folder / "blobs", folder / "here"), 2.0)
    async with kept_up(HostConnection(cable.join, UNHURRIED)) as connection:
        await connection.connected()
        noise, slow = (link_to(connection, folder, name) for name in ("noise", "slow"))
        said("first piece, here and over the link", *[await first_piece(each) for each in (here, noise)])
        await here.close()
        song = await asyncio.to_thread(stored, folder)
        said("60 s song (23 MB): first and again", *[await timed(render(noise, "s", song)) for _ in range(2)])
        await render(slow, "warm", seconds=0.0)
        said("cancelled after", await cancelled(slow))
        said("takes one after another, and in two places", *await two_takes(connection, folder))
        kill = lambda: os.kill(host.pids("slow", rendering=True)[0], signal.SIGKILL)  # noqa: E731
        said("lost by a killed engine", await disturbed(slow, host, kill))

        await both_warm(connection, folder)

        def cut() -> None:
            cable.cut()
            cable.mend()

        said("lost by a cut cable, mended at once", await disturbed(slow, host, cut))


def said(what: str, *seconds: float) -> None:
    print(f"{what}: {', '.join(f'{1000 * each:.0f} ms' for each in seconds)}", flush=True)


async def timed(work: Awaitable[object]) -> float:
    """Seconds on the clock."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def stored(folder: Path) -> str:
    """The digest of a minute of noise."""
    samples = np.random.default_rng(1).uniform(-0.3, 0.3, (60 * 48_000, 2)).astype(np.float32)
    return BlobStore(folder / "blobs").put(Audio(samples, 48_000, Encoding.FLOAT))


names = iter(range(10**6))


async def render(
    host: EngineHost,
    name: str,
    song: str = "",
    seconds: float = 0.0,
    on_piece: Callable[[], object] = lambda: None,
    stop: asyncio.Event | None = None,
) -> None:
    """One order; seconds: what the slow engine takes."""
    command: RenderCommand = order(f"{name}-{next(names)}", seconds, song=song)
    await host.render(command, ignore_progress, lambda *_: on_piece(), stop or asyncio.Event())
    host.discard(command)


async def first_piece(host: EngineHost) -> float:
    """Seconds from an order to its first audio, the median of some."""
    await render(host, "warm")
    found = []
    for _ in range(RUNS):
        began, first = time.perf_counter(), []
        await render(host, "piece", on_piece=lambda first=first: first.append(time.perf_counter()))
        found.append(first[0] - began)
    return statistics.median(found)


async def cancelled(host: EngineHost) -> float:
    """Seconds from a stop in the middle of a render to its end."""
    found = []
    for _ in range(RUNS):
        stop = asyncio.Event()
        rendering = asyncio.create_task(render(host, "stop", seconds=30.0, stop=stop))
        await asyncio.sleep(0.3)
        began = time.perf_counter()
        stop.set()
        try:
            await rendering
        except RenderCancelledError:
            found.append(time.perf_counter() - began)
    return statistics.median(found)


async def both_warm(connection: HostConnection, folder: Path) -> list[EngineHost]:
    """Two places whose engines run."""
    links: list[EngineHost] = [link_to(connection, folder, "slow") for _ in range(2)]
    await asyncio.gather(*(render(each, "warm", seconds=0.2) for each in links))
    return links


async def two_takes(connection: HostConnection, folder: Path) -> tuple[float, float]:
    """Seconds of two renders that sleep: in turn, then at once."""
    first, second = await both_warm(connection, folder)

    async def in_turn() -> None:
        for each in (first, second):
            await render(each, "turn", seconds=SECONDS)

    at_once = asyncio.gather(*(render(each, "once", seconds=SECONDS) for each in (first, second)))
    together = await timed(at_once)
    return await timed(in_turn()), together


async def disturbed(link: EngineHost, host: HostThread, disturb: Callable[[], None]) -> float:
    """Seconds that a render takes longer when something happens in its middle."""
    plain = await timed(render(link, "plain", seconds=SECONDS))
    rendering = asyncio.create_task(timed(render(link, "broken", seconds=SECONDS)))
    while not host.pids("slow", rendering=True):
        await asyncio.sleep(0.01)
    await asyncio.sleep(SECONDS / 2)
    await asyncio.to_thread(disturb)
    return await rendering - plain


def killed(folder: Path, count: int, cluster: ClusterSettings | None) -> int:
    """How many of so many jobs had a take that differs."""
    wrong = 0
    with ExitStack() as stack:
        studio = Studio(folder / "studio", stack, cluster=cluster)
        for seed in range(count):
            same = killed_at_random(studio, seed)
            wrong += not same
            print(f"job {seed + 1} of {count}: {'equal' if same else 'DIFFERENT'}", flush=True)
    print(f"{count} jobs of 4 takes, 2 faults each: {wrong} with a take that differs")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
