"""MIDI clock and JACK as positions; OSC is tested through the server."""

import queue
import shutil
import time
from fractions import Fraction

import mido
import pytest

from bridge_server.audition.transports import JackTransport, MidiClock, MidiTransport
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline.position import AtQuarters
from tests.bridge_server.jack_server import jack_server


def heard(*messages):
    """What a clock makes of messages, (quarters, rolling) each."""
    found = []
    clock = MidiClock(lambda when, position, rolling: found.append((position.quarters, rolling)))
    for message in messages:
        clock.hear(message, 0.0)
    return found


CLOCK, START, STOP, GO_ON = (mido.Message(kind) for kind in ("clock", "start", "stop", "continue"))


def test_the_first_clock_after_a_start_is_the_start():
    assert heard(START, CLOCK, CLOCK, CLOCK) == [(0, True), (Fraction(1, 24), True), (Fraction(2, 24), True)]


def test_a_quarter_is_24_clocks_and_a_song_position_a_sixteenth():
    assert heard(START, *[CLOCK] * 25)[-1] == (1, True)
    assert heard(mido.Message("songpos", pos=6), GO_ON, CLOCK) == [
        (Fraction(3, 2), False),
        (Fraction(3, 2), True),
    ]


def test_clocks_while_it_stands_still_are_no_movement():
    assert heard(CLOCK, CLOCK) == []
    assert heard(START, CLOCK, CLOCK, STOP, CLOCK, CLOCK)[-1] == (Fraction(1, 24), False)
    assert heard(START, CLOCK, CLOCK, STOP, GO_ON, CLOCK, CLOCK)[-1] == (Fraction(2, 24), True)


def test_notes_say_nothing():
    assert heard(mido.Message("note_on", note=60)) == []


def test_no_midi_and_no_jack_are_refused_with_a_remedy(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "there-is-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    for transport, port in ((MidiTransport, "no such port"), (JackTransport, "")):
        with pytest.raises(ProtocolError) as raised:
            transport(port, print)
        assert raised.value.code is ErrorCode.NO_DEVICE
        assert raised.value.remedy


@pytest.fixture
def jackd(monkeypatch, tmp_path):
    """A JACK server without a sound card, of the test's own."""
    if shutil.which("jackd") is None:
        pytest.skip("SKIPPED: needs jackd: apt install jackd2")
    with jack_server(tmp_path) as found:
        for variable, value in found.items():
            monkeypatch.setenv(variable, value)
        yield


@pytest.mark.alone
def test_jacks_transport_as_it_rolls(jackd):
    jack = pytest.importorskip("jack", reason="SKIPPED: needs the Python package JACK-Client")
    readings: queue.Queue = queue.Queue()
    transport = JackTransport("", lambda *reading: readings.put(reading))
    daw = jack.Client("a daw")
    daw.activate()
    try:
        assert readings.get(timeout=10)[2] is False
        daw.transport_frame = 480000
        daw.transport_start()
        moving = []
        while len(moving) < 10:
            reading = readings.get(timeout=10)
            if reading[2]:
                moving.append(reading)
        (first, began, _), (last, ended, _) = moving[0], moving[-1]
        assert 10 <= began.seconds < 12
        assert float(ended.seconds - began.seconds) == pytest.approx(last - first, abs=0.06)
        daw.transport_stop()
        end = time.monotonic() + 10
        while readings.get(timeout=10)[2]:
            assert time.monotonic() < end
    finally:
        daw.close()
        transport.close()


@pytest.mark.alone
def test_midi_clock_from_a_real_port(jackd, monkeypatch):
    pytest.importorskip("rtmidi", reason="SKIPPED: needs the Python package python-rtmidi")
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    for name in ("get_input_names", "open_input"):
        monkeypatch.setattr(mido, name, getattr(backend, name))
    daw = backend.open_output("daw clock", virtual=True)
    readings: queue.Queue = queue.Queue()
    transport = MidiTransport("daw clock", lambda *reading: readings.put(reading))
    try:
        for message in (mido.Message("songpos", pos=16), GO_ON, *[CLOCK] * 48, STOP):
            daw.send(message)
            time.sleep(0.002)
        found = []
        while not found or found[-1][2] or len(found) < 3:
            found.append(readings.get(timeout=10))
        assert found[-1][1] == AtQuarters(4 + Fraction(47, 24))
    finally:
        transport.close()
        daw.close()
