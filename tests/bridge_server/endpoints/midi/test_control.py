"""MIDI into the real server: over TCP, as mido sends it, and through a JACK server where there is one."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import time

import mido
import mido.sockets
import pytest

from bridge_server.endpoints.midi import ports as midi_ports
from bridge_server.settings import MidiSettings
from daw_protocol.pad_map import read_pad_map
from tests import midi_system
from tests.bridge_server.jack_server import jack_server
from tests.bridge_server.midi_peer import MAP, Lines, clocks, strike, surface
from tests.bridge_server.peers import (
    PATIENCE,
    ServerThread,
    bridge_command,
    noise_song,
)
from tests.bridge_server.servers import server_fixture, settings_in

server = server_fixture(
    (noise_song, "song.wav"), scope="function", midi=MidiSettings("tcp:0", read_pad_map(MAP), clock=True)
)


@pytest.fixture
def port(server):
    with contextlib.closing(
        mido.sockets.connect("127.0.0.1", int(server.server.midi.partition(":")[2]))
    ) as port:
        yield port


@pytest.fixture
def panel(server):
    """Somebody who sees everything."""
    with server.websocket() as panel:
        panel.call("watch")
        yield panel


def until(panel, *names):
    """What the panel receives, up to the first of these."""
    received = []
    while not received or received[-1].name not in names:
        received.append(panel.next_received())
    return received


def test_pads_and_pedals_do_a_session(server, port, panel):
    """A DAW selects; pads repaint, choose, vary and go back; a pedal stops a job."""
    with server.osc() as daw:
        daw.ask("/bridge/source", "song.wav")
        daw.ask("/bridge/select", 4000, 20000)
    strike(port, 36)
    received = until(panel, "done")
    takes = [reply for reply in received if reply.name == "take"]
    assert [(take["position"], take["length"]) for take in takes] == [(4000, 16000)] * 2
    strike(port, 37, channel=0)  # another channel: not bound
    strike(port, 37, channel=9)
    chosen_take = until(panel, "chosen")[-1]
    assert chosen_take["take"] == takes[-1]["take"]
    strike(port, 38)
    varied = until(panel, "done")
    assert varied[-1]["job"] != received[-1]["job"]
    port.send(mido.Message("program_change", program=3))
    strike(port, 36)
    strike(port, 36)  # struck twice is asked for twice
    assert len([reply for _ in range(2) for reply in until(panel, "done") if reply.name == "ack"]) == 2


def test_a_pedal_stops_what_runs(tmp_path):
    midi = MidiSettings("tcp:0", read_pad_map(MAP))
    settings = settings_in(tmp_path, midi=midi, engine="slow")
    noise_song(settings.roots[0] / "song.wav")
    with (
        ServerThread(settings) as server,
        surface(server.server.midi) as port,
        server.websocket() as panel,
    ):
        panel.call("watch")
        panel.call("source", source="song.wav")
        panel.call("select", start=0, end=9000)
        strike(port, 36)
        until(panel, "progress")
        port.send(mido.Message("control_change", control=64, value=127))
        assert until(panel, "cancelled", "done", "failed")[-1].name == "cancelled"


def test_a_pad_that_cannot_is_a_line_in_the_log(server, port, panel, caplog):
    strike(port, 37, channel=9)
    port.send(mido.Message("control_change", control=7, value=127))
    until(panel, "focus")  # the fader behind it has arrived, so the pad has been answered
    assert "there is no take yet" in caplog.text
    assert "line 3" in caplog.text


def test_a_fader_sets_a_value(server, port, panel):
    port.send(mido.Message("control_change", control=7, value=60))
    until(panel, "focus")
    assert panel.call("focus.show")["request"]["bpm"] == 120


@pytest.mark.alone  # it keeps time
def test_the_clock_sets_tempo_and_playhead(server, port, panel):
    port.send(mido.Message("songpos", pos=16))
    port.send(mido.Message("continue"))
    clocks(port, 150, 97)
    port.send(mido.Message("stop"))
    received = until(panel, "focus")
    while received[-1].values.get("rolling") or not any(reply.values.get("rolling") for reply in received):
        received += until(panel, "focus")
    request = panel.call("focus.show")["request"]
    assert request["bpm"] == pytest.approx(
        150, rel=0.2
    )  # a loaded machine sends unevenly; exact: test_midi_clock.py
    # Four quarters in, and 97 clocks on: just past the eighth quarter.
    expected = (4 + 97 / 24) * 60 / request["bpm"] * 48000
    assert received[-1]["playhead"] == pytest.approx(expected, abs=2)


def test_a_clock_does_not_overrule_a_tempo_map(server, port, panel):
    points = [{"quarter": 0, "bpm": 100}, {"quarter": 4, "bpm": 110}]
    panel.call("tempo", tempo_map={"points": points})
    port.send(mido.Message("start"))
    clocks(port, 150, 40)
    port.send(mido.Message("stop"))
    while until(panel, "focus")[-1].values.get("rolling"):
        pass
    assert "tempo_map" in panel.call("focus.show")["request"]


def test_nonsense_on_the_wire_is_passed_over(server, port, panel):
    port._wfile.write(b"\x90\x80\xf0\x01\x02" + bytes(range(256)) * 20)
    port._wfile.flush()
    port.send(mido.Message("control_change", control=7, value=60))
    until(panel, "focus")
    assert panel.call("status")["queued"] == 0


def test_a_web_page_cannot_strike_pads(server, panel):
    """It can only send HTTP, and what is no MIDI from its first byte on is cut off."""
    port = int(server.server.midi.partition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as page,
        contextlib.suppress(ConnectionError),
    ):
        page.sendall(b"POST / HTTP/1.1\r\n\r\n" + bytes([0xB0, 7, 60]) * 10)
        assert page.recv(1) == b""
    with surface(server.server.midi) as port:
        port.send(mido.Message("control_change", control=7, value=127))
    until(panel, "focus")
    assert panel.call("focus.show")["request"]["bpm"] == 187


def test_a_sender_that_goes_is_reported_and_its_song_stands_still(server, panel, caplog):
    """Unplugged while its clock runs and its pedal is down; connected again, both work from the start."""
    with surface(server.server.midi) as port:
        port.send(mido.Message("songpos", pos=16))
        port.send(mido.Message("continue"))
        port.send(mido.Message("control_change", control=64, value=127))
        while not until(panel, "focus")[-1].values.get("rolling"):
            pass
    stopped = until(panel, "focus")[-1]
    assert not stopped.values.get("rolling")
    assert f"{server.server.midi} is disconnected" in caplog.text
    status = panel.call("status")
    assert "is disconnected; its pads send nothing and its clock is not followed" in status["midi"]["problem"]
    with server.osc() as daw:
        assert status["midi"]["problem"] in daw.ask("/bridge/status").values["text"]
    with surface(server.server.midi) as port:
        port.send(mido.Message("control_change", control=7, value=60))
        until(panel, "focus")
        assert panel.call("focus.show")["request"]["bpm"] == 120
        assert f"{server.server.midi} is back" in caplog.text
        assert panel.call("status")["midi"] == {"input": server.server.midi, "problem": ""}
        caplog.clear()
        port.send(mido.Message("control_change", control=64, value=127))  # the pedal was up in between
        port.send(mido.Message("control_change", control=7, value=61))
        until(panel, "focus")
        assert "there is no job yet" in caplog.text


def test_while_one_sender_is_left_nothing_has_gone(server, panel, caplog):
    with surface(server.server.midi) as port:
        with surface(server.server.midi) as other:
            other.send(mido.Message("control_change", control=7, value=10))
            port.send(mido.Message("control_change", control=7, value=20))
            until(panel, "focus")
            until(panel, "focus")
        port.send(mido.Message("control_change", control=7, value=60))
        until(panel, "focus")
        assert panel.call("status")["midi"]["problem"] == ""
    assert f"{server.server.midi} is back" not in caplog.text


@pytest.mark.parametrize(
    "back", ["Pads:MIDI 1 20:0", "Pads:MIDI 1 24:0"], ids=["same number", "another number"]
)
def test_a_device_is_unplugged_and_plugged_in_again(tmp_path, monkeypatch, caplog, back):
    """A system whose devices a test plugs, behind mido's own backends."""
    monkeypatch.setenv("MIDO_BACKEND", "tests.midi_system")
    monkeypatch.setattr(midi_ports, "LOOK_SECONDS", 0.02)
    with midi_system.plugged("Other:MIDI 1 28:0"), contextlib.ExitStack() as stack:
        device = stack.enter_context(contextlib.ExitStack())
        device.enter_context(midi_system.plugged("Pads:MIDI 1 20:0"))
        midi = MidiSettings("Pads", read_pad_map(MAP))
        server = stack.enter_context(ServerThread(settings_in(tmp_path, midi=midi)))
        panel = stack.enter_context(server.websocket())
        panel.call("watch")
        midi_system.send("Pads:MIDI 1 20:0", mido.Message("control_change", control=7, value=60))
        until(panel, "focus")
        device.close()
        wait_until(lambda: panel.call("status")["midi"]["problem"])
        assert "Pads:MIDI 1 20:0 is disconnected" in caplog.text
        stack.enter_context(midi_system.plugged(back))
        wait_until(lambda: not panel.call("status")["midi"]["problem"])
        midi_system.send(back, mido.Message("control_change", control=7, value=61))
        until(panel, "focus")
        assert panel.call("focus.show")["request"]["bpm"] == 121
        midi_system.fail = True  # as when a JACK server ends
        wait_until(lambda: panel.call("status")["midi"]["problem"])
        midi_system.fail = False
        wait_until(lambda: not panel.call("status")["midi"]["problem"])
    assert midi_system.open_ports == 0


def wait_until(true):
    """Asks until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.alone
@pytest.mark.skipif(not shutil.which("jackd"), reason="SKIPPED: jackd is not installed (apt: jackd2)")
@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: JACK's dummy driver is tested on Linux")
def test_a_port_of_the_system(tmp_path):
    """rtmidi through a JACK server that needs no sound card: what a USB pad does elsewhere, unplugged and all."""
    pytest.importorskip("rtmidi", reason="SKIPPED: python-rtmidi is not installed (the extra midi)")
    strikes = (
        "for _ in range(200):\n"
        "    port.send(mido.Message('note_on', note={note}, channel=4, velocity=99)); time.sleep(0.05)\n"
    )
    send = (
        "import mido, time\n"
        "name = next(n for n in mido.get_output_names() if 'pads' in n)\n"
        "port = mido.open_output(name)\n"
    ) + strikes.format(note=41)
    device = (
        "import mido, time\n"
        "port = mido.open_output('keys', virtual=True, client_name='device')\n"
        "print('plugged', flush=True)\n"
    )
    with jack_server(tmp_path) as found, contextlib.ExitStack() as stack:
        more = {**found, "MIDO_BACKEND": "mido.backends.rtmidi/UNIX_JACK"}
        words = [*bridge_command(tmp_path / "store"), "midi", "learn", "--midi-in", "virtual:pads"]
        with Lines(words, **more) as learn:
            learn.until("Listening to")
            with Lines([sys.executable, "-c", send], **more):
                assert learn.until("note").split()[:4] == ["note", "41", "ch", "5"]
        plugged = Lines([sys.executable, "-c", device + strikes.format(note=42)], **more)
        with plugged:
            plugged.until("plugged")
            words[-1] = "device"
            learn = stack.enter_context(Lines(words, **more))
            assert learn.until("note").split()[:4] == ["note", "42", "ch", "5"]
        learn.until("The input has gone")
        with Lines([sys.executable, "-c", device + strikes.format(note=43)], **more):
            learn.until("The input is there")
            assert learn.until("note").split()[:4] == ["note", "43", "ch", "5"]
