"""Packets made to keep the server busy: each is bounded work, in order, and the others are served meanwhile."""

import asyncio
import struct
import threading
import time

import pytest

from tests.bridge_server.every_door import packet

BEGIN = b"#bundle\0" + bytes(7) + b"\x01"


def bundle(parts):
    return BEGIN + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def nested(depth, inside):
    for _ in range(depth):
        inside = bundle([inside])
    return inside


FLOODS = {
    "20 bytes": BEGIN + struct.pack(">i", -4),
    "nothing, 64 KB": BEGIN + bytes(64_000),
    "misspelt alike": bundle([packet("/bridge/repain")] * 2000),
    "misspelt each in its way": bundle([packet(f"/bridge/re{number}t") for number in range(2000)]),
    "patterns": bundle([packet("/bridge/*")] * 2000),
    "tempos": bundle([packet("/bridge/tempo", 120.0)] * 2000),
    "status": bundle([packet("/bridge/status", "x")] * 1500),
    "engines": bundle([packet("/bridge/engines", "x")] * 1500),
    "without a song": bundle(
        [packet("/bridge/repaint", f"i{n}", "source", "no.wav", "start", 1) for n in range(400)]
    ),
    "nested": nested(2000, packet("/a")),
    "tags": packet("/bridge/status") + b",".ljust(60_000, b"T"),
    "arrays": packet("/bridge/status")[:-4] + b",".ljust(60_000, b"[") + bytes(4),
    "a long text": packet("/bridge/source", "A" * 60_000),
    "not UTF-8": packet("/bridge/source", "\udcff" * 60_000),
}
LONGEST = 0.25  # seconds of processor time that the loop may spend before others have their turn


async def longest_turn(until):
    """The most processor time of one turn of the loop, until the event is set. Not the clock's: others use it too."""
    longest = 0.0
    while not until.is_set():
        before = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - before)
    return longest


@pytest.mark.parametrize(
    "name",
    # Starting the engines' processes takes the longer the larger the process is that starts them.
    [pytest.param(name, marks=[pytest.mark.alone] * (name == "engines")) for name in FLOODS],
)
@pytest.mark.parametrize("way", ["udp", "websocket"])
def test_others_have_their_turn_meanwhile(server, caplog, name, way):
    done = threading.Event()
    with server.osc() as flood, server.osc() as last, server.websocket() as stream:
        watching = asyncio.run_coroutine_threadsafe(longest_turn(done), server._loop)
        if way == "udp":
            flood.send_bytes(FLOODS[name])
            last.ask("/bridge/status", "last")
        else:
            stream.connection.send(FLOODS[name])
            stream.call("status")
        done.set()
        longest = watching.result(60)
    assert longest < LONGEST
    assert sum(len(record.getMessage()) for record in caplog.records) < 20_000


def test_a_large_bundle_keeps_its_order(server):
    """Each selection is followed by a question; the loop is given away in between, to nobody of this bundle."""
    parts = []
    for number in range(300):
        parts += [packet("/bridge/select", number, number + 10), packet("/bridge/nonesuch", f"n{number}")]
    with server.osc() as osc:
        osc.send_bytes(bundle(parts))
        received = [osc.receive() for _ in range(600)]
    texts = [reply["text"] for reply in received if reply.name == "ok"]
    assert texts == [f"start {number}, end {number + 10}" for number in range(300)]
    assert [reply["id"] for reply in received if reply.name == "failed"] == [
        f"n{number}" for number in range(300)
    ]
    assert [reply.name for reply in received] == ["ok", "failed"] * 300


def test_a_bad_message_in_a_bundle_stops_none_of_the_others(server):
    with server.osc() as osc:
        osc.send_bytes(
            bundle([packet("/bridge/status", "a"), b"/bad\0\0\0\0,x\0\0", packet("/bridge/status", "b")])
        )
        assert [osc.receive().name for _ in range(3)] == ["ok", "failed", "ok"]
