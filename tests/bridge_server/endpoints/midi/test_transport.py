"""MIDI clock as readings of a transport."""

import asyncio
import contextlib
import shutil
from fractions import Fraction

import mido
import pytest

from bridge_server.endpoints.midi.transport import midi_transport, position_in
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.song_position import SongPosition
from daw_protocol.timeline.position import AtQuarters
from tests import midi_system
from tests.bridge_server.jack_server import jack_server

CLOCK, START, STOP, GO_ON = (mido.Message(kind) for kind in ("clock", "start", "stop", "continue"))
INPUT = "DAW:Clock 20:0"


def reported(*messages):
    """Positions that messages report, (quarters, rolling) each."""
    song = SongPosition()
    found = [(position_in(song, message), song.rolling) for message in messages]
    return [entry for entry in found if entry[0] is not None]


def test_a_start_reports_nothing_before_its_first_clock():
    assert reported(START, CLOCK, CLOCK) == [(0, True), (Fraction(1, 24), True)]


def test_a_locate_and_a_stop_are_reported_at_once():
    assert reported(mido.Message("songpos", pos=6), GO_ON, CLOCK, STOP) == [
        (Fraction(3, 2), False),
        (Fraction(3, 2), True),
        (Fraction(3, 2) + Fraction(1, 24), False),
    ]


def test_other_messages_report_nothing():
    assert reported(CLOCK, mido.Message("note_on", note=60), mido.Message("control_change")) == []


async def readings(port, act, count):
    """The first readings (position, rolling) of a transport while `act` happens."""
    found, enough = [], asyncio.Event()

    def receive(_, position, rolling):
        found.append((position, rolling))
        if len(found) >= count:
            enough.set()

    async with midi_transport(port, receive):
        await asyncio.to_thread(act)
        await asyncio.wait_for(enough.wait(), 20)
    return found


@pytest.fixture
def system(monkeypatch):
    monkeypatch.setenv("MIDO_BACKEND", "tests.midi_system")
    yield
    assert midi_system.open_ports == 0


@pytest.mark.parametrize("port", ["Clock", ""], ids=["by a part of its name", "the first one"])
def test_an_input_of_the_machine(system, port):
    def play():
        for message in (START, CLOCK, STOP):
            midi_system.send(INPUT, message)

    with midi_system.plugged(INPUT), midi_system.plugged("Pads:MIDI 1 24:0"):
        found = asyncio.run(readings(port, play, 2))
    assert found == [(AtQuarters(Fraction(0)), True), (AtQuarters(Fraction(1, 24)), False)]


def test_an_input_that_is_unplugged_stops_the_song(system, monkeypatch):
    monkeypatch.setattr("bridge_server.endpoints.midi.ports.LOOK_SECONDS", 0.02)
    device = contextlib.ExitStack()
    device.enter_context(midi_system.plugged(INPUT))

    def play_and_unplug():
        midi_system.send(INPUT, START)
        midi_system.send(INPUT, CLOCK)
        device.close()

    found = asyncio.run(readings("Clock", play_and_unplug, 2))
    assert found == [(AtQuarters(Fraction(0)), True), (AtQuarters(Fraction(1, 24)), False)]


@pytest.mark.parametrize(
    ("port", "there"),
    [("no such port", ["DAW:Clock 20:0"]), ("", [])],
    ids=["unknown name", "no input at all"],
)
def test_what_is_not_there_is_refused_with_a_remedy(system, port, there):
    with contextlib.ExitStack() as stack:
        for name in there:
            stack.enter_context(midi_system.plugged(name))
        with pytest.raises(ProtocolError) as raised:
            asyncio.run(readings(port, lambda: None, 1))
    assert raised.value.code is ErrorCode.NO_DEVICE
    assert raised.value.remedy
    assert raised.value.field == "port"


@pytest.mark.alone
def test_midi_clock_from_a_port_of_the_system(tmp_path, monkeypatch):
    pytest.importorskip("rtmidi", reason="SKIPPED: needs the Python package python-rtmidi")
    if shutil.which("jackd") is None:
        pytest.skip("SKIPPED: needs jackd: apt install jackd2")
    with jack_server(tmp_path) as environment:
        for variable, value in {**environment, "MIDO_BACKEND": "mido.backends.rtmidi/UNIX_JACK"}.items():
            monkeypatch.setenv(variable, value)
        daw = mido.Backend().open_output("daw clock", virtual=True)
        try:

            def play():
                for message in (mido.Message("songpos", pos=16), GO_ON, *[CLOCK] * 48, STOP):
                    daw.send(message)

            found = asyncio.run(readings("daw clock", play, 50))
            assert found[-1] == (AtQuarters(4 + Fraction(48, 24)), False)
        finally:
            daw.close()
