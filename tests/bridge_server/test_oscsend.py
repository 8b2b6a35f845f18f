"""What a producer types in a terminal, with liblo's oscsend and oscdump: OSC that is not ours on either end."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import threading
import uuid
from contextlib import contextmanager

import pytest
import soundfile

from bridge_server.endpoints.osc_packets import encode
from daw_protocol.addresses import COMMANDS
from tests.bridge_server.peers import PATIENCE, band_song

pytestmark = pytest.mark.skipif(
    not (shutil.which("oscsend") and shutil.which("oscdump")),
    reason="SKIPPED: oscsend is missing; apt-get install liblo-tools",
)


def oscsend(port: int, *words: str) -> None:
    subprocess.run(["oscsend", "localhost", str(port), *words], check=True, timeout=PATIENCE)


@contextmanager
def oscdump(port: int):
    """The lines oscdump prints of what reaches the port."""
    process = subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()


def test_a_repaint_typed_by_hand(server, songs, tmp_path):
    """The producer's own WAV, the sketch engine, four messages, and the replies read by oscdump."""
    band_song(songs / "my song.wav", bars=6)
    with server.osc() as unused:
        listener = unused.port  # free once it is closed
    port = server.settings.osc_port
    name = uuid.uuid4().hex[:8]
    with oscdump(listener) as lines:
        answered_until_heard(port, listener, lines)
        oscsend(port, "/bridge/tempo", "fss", "120", "client", "typed")
        oscsend(port, "/bridge/source", "sss", "my song.wav", "client", "typed")
        oscsend(port, "/bridge/select", "ssss", "3|1|0", "4|1|0", "client", "typed")
        oscsend(port, "/bridge/repaint", "ssssssisi", name, "client", "typed", "engine", "sketch",
                "reply_port", str(listener), "seed", "5")  # fmt: skip
        received = []
        for line in lines:
            received.append(line)
            if re.search(r"/bridge/(done|failed|cancelled)", line) and name in line:
                break
    assert "/bridge/done" in received[-1], received
    assert any("/bridge/ack" in line and name in line for line in received)
    (take,) = [line for line in received if "/bridge/take" in line]
    path = re.search(r'"path" "([^"]+)"', take)[1]
    clip, rate = soundfile.read(path)
    assert (len(clip), rate) == (2 * 44100, 44100)
    assert '"position" 176400' in take


def answered_until_heard(port: int, listener: int, lines) -> None:
    """Asks until oscdump listens: it takes a moment to start, and UDP waits for nobody."""
    ready = threading.Event()

    def ask() -> None:
        while not ready.wait(0.05):
            oscsend(port, "/bridge/status", "ssi", "ready", "reply_port", str(listener))

    asking = threading.Thread(target=ask)
    asking.start()
    assert "/bridge/ok" in lines.readline()
    ready.set()
    asking.join()


def test_a_reply_with_every_type_is_read_by_oscdump(server):
    with server.osc() as unused:
        listener = unused.port
    with oscdump(listener) as lines:
        answered_until_heard(server.settings.osc_port, listener, lines)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(encode("/end/of/it", [1, 2**40, 0.5, "ü", True, False]), ("127.0.0.1", listener))
        line = next(line for line in lines if "/end/of/it" in line)
    assert "ihfsTF" in line
    assert "1099511627776" in line


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.osc], ids=lambda c: c.name)
def test_every_documented_example_can_be_typed(server, osc, command):
    """As it stands in docs/protocol.md: oscsend takes it, and the server understands the message."""
    address, types, *values = [*shlex.split(command.example), ""][: max(2, len(shlex.split(command.example)))]
    assert address == command.address
    with server.osc() as peer:
        more = ("client", "examples", "reply_port", str(peer.port))
        oscsend(server.settings.osc_port, address, types + "sssi", *values, *more)
        reply = peer.receive()
        while reply.name == "progress":  # an export says its id before it looks for what to write
            reply = peer.receive()
        if reply.name == "ack":
            peer.send("/bridge/cancel", reply["job"])
            peer.until_end(reply["id"])
    # The songs, takes and jobs of the examples do not exist here; their words must be right. The one song that does has
    # not been analysed, so that there is nothing to accept.
    missing = {
        "file_missing",
        "bad_region",
        "unknown_take",
        "unknown_job",
        "unknown_preset",
        "cannot_render",
        "no_device",
        "engine_not_ready",
        "not_playing",
    }
    missing |= {"missing_field"} if command.name == "songs.tempo" else set()
    missing |= {"not_allowed"} if command.name.startswith("models.") else set()  # no engine here uses one
    missing |= {"not_allowed"} if command.name == "training.stop" else set()  # nothing is being trained
    assert reply.name in ("ok", "ack") or reply["code"] in missing, reply
