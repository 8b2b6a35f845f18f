"""MIDI inputs by name, and what is said where there are none."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import pytest

from bridge_server.endpoints.midi.ports import MAX_UNFINISHED_BYTES, chosen, input_names, no_midi, tcp_input
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


def test_what_is_missing_is_said():
    assert "takebridge[midi]" in no_midi(ModuleNotFoundError("No module named 'rtmidi'")).remedy
    assert "not available" in no_midi(OSError("no ALSA")).sentence


async def heard_over_tcp(data: bytes, enough: int) -> tuple[list[object], float]:
    """What one connection's bytes are heard as, `enough` messages or until it is cut off; and the longest time in
    seconds that the loop did nothing else."""
    heard: list[object] = []
    done = asyncio.Event()
    stalls = [0.0]

    def hear(message: object, moment: float) -> None:
        heard.append(message)
        if len(heard) == enough:
            done.set()

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0)
            stalls.append(time.monotonic() - before)

    async with tcp_input("0", hear, lambda plugged: None if plugged else done.set()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port.removeprefix("tcp:")))
        watching = asyncio.create_task(watch())
        writer.write(data)
        async with asyncio.timeout(60):
            await done.wait()
        watching.cancel()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        assert reader is not None
    return heard, max(stalls)


def test_a_flood_is_heard_in_order_and_the_loop_runs_on():
    notes = b"".join(bytes((0x90, number % 128, 1 + number % 127)) for number in range(20_000))
    heard, stall = asyncio.run(heard_over_tcp(notes, 20_000))
    assert [message.note for message in heard] == [number % 128 for number in range(20_000)]
    assert stall < 0.2  # read in one go, it stood still for 0.4 s, and 2 s for the largest chunks


def test_a_message_without_end_is_cut_off(caplog):
    heard, _ = asyncio.run(heard_over_tcp(b"\xf0" + b"\x01" * (2 * MAX_UNFINISHED_BYTES), 1))
    assert heard == []
    assert "disconnected" in caplog.text
