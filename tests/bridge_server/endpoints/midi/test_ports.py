"""MIDI inputs by name, and what is said where there are none."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from bridge_server.endpoints.midi.ports import (
    MAX_UNFINISHED_BYTES,
    PIECE_BYTES,
    chosen,
    input_names,
    no_midi,
    tcp_input,
)
from daw_protocol.errors import ProtocolError


def test_without_rtmidi_the_extra_is_named(monkeypatch):
    for name in [name for name in list(sys.modules) if name.startswith("mido.backends")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(ProtocolError) as found:
        input_names()
    assert found.value.remedy == "pip install 'takebridge[midi]'"


@pytest.mark.parametrize(
    ("wanted", "names", "answer"),
    [
        ("Launchpad", ["Launchpad MK3:MIDI 1 20:0", "nanoKONTROL"], "Launchpad MK3:MIDI 1 20:0"),
        ("nano", ["Launchpad", "nanoKONTROL"], "nanoKONTROL"),
        ("pad", ["pad", "pad 2"], "pad"),
    ],
)  # fmt: skip
def test_a_part_of_a_name_is_enough(wanted, names, answer):
    assert chosen(wanted, names) == answer


@pytest.mark.parametrize(
    ("wanted", "names", "words"),
    [("pad", ["pad 1", "pad 2", "x"], "'pad 1', 'pad 2'"), ("pad", ["x"], "'x'"), ("pad", [], "none")],
)
def test_a_name_that_is_none_shows_those_there_are(wanted, names, words):
    with pytest.raises(ProtocolError, match=words) as found:
        chosen(wanted, names)
    assert "midi list" in found.value.remedy


def test_what_is_missing_is_reported():
    assert "takebridge[midi]" in no_midi(ModuleNotFoundError("No module named 'rtmidi'")).remedy
    assert "not available" in no_midi(OSError("no ALSA")).sentence


async def received_over_tcp(data: bytes, enough: int) -> tuple[list[object], int]:
    """What one connection's bytes arrive as, `enough` messages or until it is cut off; and how many turns others had
    meanwhile."""
    received: list[object] = []
    done = asyncio.Event()
    turns = 0

    def receive(message: object, moment: float) -> None:
        received.append(message)
        if len(received) == enough:
            done.set()

    async def watch() -> None:
        nonlocal turns
        while not done.is_set():
            await asyncio.sleep(0)
            turns += bool(received)

    async with tcp_input("0", receive, lambda plugged: None if plugged else done.set()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port.removeprefix("tcp:")))
        watching = asyncio.create_task(watch())
        writer.write(data)
        async with asyncio.timeout(60):
            await done.wait()
        await watching
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        assert reader is not None
    return received, turns


def test_a_flood_arrives_in_order_and_the_loop_runs_on():
    notes = b"".join(bytes((0x90, number % 128, 1 + number % 127)) for number in range(20_000))
    received, turns = asyncio.run(received_over_tcp(notes, 20_000))
    assert [message.note for message in received] == [number % 128 for number in range(20_000)]
    assert (
        turns >= len(notes) // PIECE_BYTES
    )  # read in one go, the loop stood still for 0.4 s, or 2 s for 256 KB


def test_a_message_without_end_is_cut_off(caplog):
    received, _ = asyncio.run(received_over_tcp(b"\xf0" + b"\x01" * (2 * MAX_UNFINISHED_BYTES), 1))
    assert received == []
    assert "disconnected" in caplog.text
