"""Run as a program in a network namespace of its own: a bridge and a second real Link peer, and what each sees.

    unshare --user --map-root-user --net python -m tests.bridge_server.link_peers FOLDER

Prints one JSON object. In the namespace there is only the loopback interface, so that nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from link import Link

from bridge_server.audition.link_transport import QUANTUM, LinkReading, link_session
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in

BPM = 250.3  # quick bars
GET_FLAGS, SET_FLAGS, UP_AND_MULTICAST = 0x8913, 0x8914, 0x1001


def main(folder: Path) -> dict[str, Any]:
    loopback_up()
    seen: dict[str, Any] = {}
    with ServerThread(settings_in(folder, link=True)) as server:
        daw = Link(140.0)
        daw.startStopSyncEnabled = True
        daw.enabled = True
        until(lambda: daw.numPeers() > 0)
        change(daw, lambda state, now: state.setTempo(BPM, now))
        until(lambda: value(server, "tempo") == [BPM])
        seen["tempo"] = value(server, "tempo")
        seen["apart"], seen["first"] = asyncio.run(play_and_compare(daw))
        until(lambda: value(server, "transport")[1] == 1)
        change(daw, lambda state, now: state.setIsPlaying(False, now))
        until(lambda: value(server, "transport")[1] == 0)
        seen["stopped"] = True
        seen["daw_bpm"] = daw.captureAppSessionState().tempo()  # nobody else changed it
    return seen


async def play_and_compare(daw: Link) -> tuple[list[float], float]:
    """Beats between what the bridge reads and what the DAW plays, and the bridge's first beat, after a start."""
    readings: asyncio.Queue[LinkReading] = asyncio.Queue()
    async with link_session(readings.put_nowait):
        while (await asyncio.wait_for(readings.get(), 20)).rolling:
            pass
        change(daw, lambda state, now: state.setIsPlayingAndRequestBeatAtTime(True, now, 0.0, QUANTUM))
        apart: list[float] = []
        first = 0.0
        while len(apart) < 10:
            reading = await asyncio.wait_for(readings.get(), 20)
            if not reading.rolling:
                continue
            first = first or float(reading.quarters)
            moment = daw.clock().micros() - round((time.perf_counter() - reading.when) * 1e6)
            beat = daw.captureAppSessionState().beatAtTime(moment, QUANTUM)
            apart.append(beat - float(reading.quarters))
    return apart, first


def change(daw: Link, work: Callable[[Any, int], None]) -> None:
    state = daw.captureAppSessionState()
    work(state, daw.clock().micros())
    daw.commitAppSessionState(state)


def value(server: ServerThread, name: str) -> Any:
    """What the shared context has, by OSCQuery; nothing yet: [None, None]."""
    body = server.get(f"/bridge/{name}?VALUE")[2]
    return (json.loads(body) if body else {}).get("VALUE") or [None, None]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        found = fcntl.ioctl(probe, GET_FLAGS, struct.pack("16sH14s", b"lo", 0, b""))
        flags = struct.unpack("16sH14s", found)[1] | UP_AND_MULTICAST
        fcntl.ioctl(probe, SET_FLAGS, struct.pack("16sH14s", b"lo", flags, b""))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
