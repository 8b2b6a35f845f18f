"""How fast audio goes up and down over the WebSocket, against raw asyncio streams in the same run.

    python -m benchmarks.transfer [--megabytes 64]

Both ends are separate processes. The bridge hashes, checks and stores what comes up, and reads and checks what goes
down, which costs more than the way; so there are two raw servers: one that only moves bytes, and one that does the
same with them as the bridge does. Aim: at least half of the raw streams' rate.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.acknowledgement import process
from benchmarks.figures import Aim, Figure
from bridge_server.cli.client import connected
from bridge_server.server import running_server
from bridge_server.settings import Settings
from bridge_server.songs.sources import read_song
from clip_store.audio.riff import wave_parts
from clip_store.blobs import BlobStore
from tests.doubles import ENGINES

CHUNK = 1 << 20
RUNS = 5
AIM = 0.5
RAW, STORING, OURS = "raw streams", "raw streams that hash and store", "bridge over WebSocket"


async def raw(ports: multiprocessing.Queue, folder: Path | None) -> None:
    """Takes eight bytes of length and so many bytes, answers one byte, sends the same number back.

    With a folder, the bytes are a song that is hashed, read, checked and stored there, and sent from there.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = left = int.from_bytes(await reader.readexactly(8), "big")
        sha, data = hashlib.sha256(), bytes(size)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".wav") as file:
            while left:
                block = await reader.read(min(left, CHUNK))
                left -= len(block)
                if folder is not None:
                    sha.update(block)
                    file.write(block)
            if folder is not None:
                file.flush()
                song = await asyncio.to_thread(read_song, Path(file.name), BlobStore(folder / "raw"), 1e6)
        writer.write(b"!")
        await reader.readexactly(1)
        if folder is not None:
            data = await asyncio.to_thread(song_again, folder, song.digest)
        for first in range(0, size, CHUNK):
            writer.write(data[first : first + CHUNK])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=CHUNK)
    ports.put(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


def song_again(folder: Path, digest: str) -> bytes:
    """The stored song as a file, read and checked."""
    return b"".join(wave_parts(BlobStore(folder / "raw").get(digest)))


async def dispatcher(ports: multiprocessing.Queue, folder: Path) -> None:
    settings = Settings(store=folder / "store", osc_port=0, websocket_port=0, engine="noise", engines=ENGINES)
    async with running_server(settings) as server:
        ports.put(server.settings.websocket_port)
        await asyncio.Event().wait()


def run_raw(ports: multiprocessing.Queue, folder: Path | None = None) -> None:
    asyncio.run(raw(ports, folder))


def run_bridge(ports: multiprocessing.Queue, folder: Path) -> None:
    asyncio.run(dispatcher(ports, folder))


async def over_streams(port: int, data: bytes) -> tuple[float, float]:
    """Seconds up and down."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=CHUNK)
    began = time.perf_counter()
    writer.write(len(data).to_bytes(8, "big"))
    for first in range(0, len(data), CHUNK):
        writer.write(data[first : first + CHUNK])
        await writer.drain()
    await reader.readexactly(1)
    up = time.perf_counter()
    writer.write(b"?")
    while await reader.read(CHUNK):
        pass
    down = time.perf_counter()
    writer.close()
    return up - began, down - up


async def over_websocket(port: int, path: Path) -> tuple[float, float]:
    """Seconds until the bridge has kept the file, and until the whole song has come back."""
    async with connected("127.0.0.1", port) as client:
        began = time.perf_counter()
        source, _ = await client.upload(path)
        up = time.perf_counter()
        await client.call("repaint", source=source, start=0, end=1000, handles=0)
        take = ""
        while (reply := await client.next_reply())[0] != "done":
            take = reply[1].get("take", take)
        asked = time.perf_counter()
        await client.fetch(take, "song")
        return up - began, time.perf_counter() - asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=64)
    megabytes = parser.parse_args().megabytes
    show(rates(megabytes, RUNS), megabytes)


def figures(megabytes: int, runs: int) -> list[Figure]:
    """Both directions, against streams that hash and store the same bytes."""
    found = rates(megabytes, runs)
    both = zip(("upload", "download"), found[OURS], found[STORING], strict=True)
    return [
        Figure(
            "Audio over the WebSocket",
            way,
            ours,
            "MB/s",
            theirs,
            STORING,
            Aim(AIM, at_least=True),
            True,
            True,
        )
        for way, ours, theirs in both
    ]


def rates(megabytes: int, runs: int) -> dict[str, tuple[float, float]]:
    """MB per second up and down by who moved them, the median of some runs."""
    frames = megabytes * 10**6 // 8
    labels = (RAW, STORING, OURS)
    results: dict[str, list[tuple[float, float]]] = {label: [] for label in labels}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            process(run_raw) as raw_port,
            process(run_raw, folder) as storing_port,
            process(run_bridge, folder) as websocket_port,
        ):
            for run in range(runs):  # in turns, and each time another song: the store keeps equal ones once
                path = folder / "song.wav"
                random = np.random.default_rng(run)
                soundfile.write(
                    path, random.uniform(-0.5, 0.5, (frames, 2)).astype("f4"), 48000, subtype="FLOAT"
                )
                data = path.read_bytes()
                results[labels[0]].append(asyncio.run(over_streams(raw_port, data)))
                results[labels[1]].append(asyncio.run(over_streams(storing_port, data)))
                results[labels[2]].append(asyncio.run(over_websocket(websocket_port, path)))
    medians = {label: np.median(times, axis=0) for label, times in results.items()}
    return {label: (megabytes / float(up), megabytes / float(down)) for label, (up, down) in medians.items()}


def show(found: dict[str, tuple[float, float]], megabytes: float) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {megabytes:.0f} MB, median of {RUNS}")
    print(f"{'':>24} {'up MB/s':>9} {'down MB/s':>10}")
    for label, (up, down) in found.items():
        print(f"{label:>24} {up:9.0f} {down:10.0f}")
    for label in (RAW, STORING):
        up, down = (ours / theirs for ours, theirs in zip(found[OURS], found[label], strict=True))
        print(f"bridge / {label}: up {up:.2f}, down {down:.2f} (aim {AIM:g})")


if __name__ == "__main__":
    main()
