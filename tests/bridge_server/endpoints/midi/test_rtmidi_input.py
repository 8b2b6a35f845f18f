"""rtmidi's inputs, opened and closed in the middle of what comes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from bridge_server.endpoints.midi.rtmidi_input import RtmidiInput
from tests.bridge_server.jack_server import jack_server
from tests.bridge_server.peers import PATIENCE

TIMES = 15
# JACK delivers what came within 21 ms at once: the input is closed with the rest of such a burst still to come.
CLOSED_IN_A_BURST = f"""
import threading, time, mido
from bridge_server.endpoints.midi.rtmidi_input import RtmidiInput

def play():
    while going:
        for _ in range(20):
            daw.send(mido.Message("clock"))
        time.sleep(0.002)

going = True
daw = mido.Backend().open_output("daw", virtual=True)
playing = threading.Thread(target=play)
playing.start()
try:
    name, = [name for name in mido.Backend().get_input_names() if "daw" in name]
    for _ in range({TIMES}):
        enough, found = threading.Event(), []
        def receive(message):
            found.append(message.type)
            if len(found) == 53:
                enough.set()
        port = RtmidiInput(name, False, receive, "UNIX_JACK")
        assert enough.wait(10)
        port.close()
        port.close()
        assert set(found) == {{"clock"}}
        print("closed", flush=True)
    try:
        RtmidiInput("unplugged", False, receive, "UNIX_JACK")
    except OSError as error:
        print(*str(error).split(), sep="-")
finally:
    going = False
    playing.join()
    daw.close()
"""


@pytest.mark.alone
def test_it_closes_while_messages_come(tmp_path):
    """In a process of its own, since one that stands still cannot tell."""
    pytest.importorskip("rtmidi", reason="SKIPPED: needs the Python package python-rtmidi")
    if shutil.which("jackd") is None:
        pytest.skip("SKIPPED: needs jackd: apt install jackd2")
    with jack_server(tmp_path) as environment:
        done = subprocess.run(
            [sys.executable, "-c", CLOSED_IN_A_BURST],
            env={**os.environ, **environment, "MIDO_BACKEND": "mido.backends.rtmidi/UNIX_JACK"},
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout.split()) == (0, [*["closed"] * TIMES, "unplugged-has-gone"]), (
        done.stderr
    )


def test_a_midi_system_that_rtmidi_does_not_know():
    pytest.importorskip("rtmidi", reason="SKIPPED: needs the Python package python-rtmidi")
    with pytest.raises(OSError, match="SMOKE_SIGNALS"):
        RtmidiInput("pads", False, print, "SMOKE_SIGNALS")
