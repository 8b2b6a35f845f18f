"""The controller script for Bitwig, in node with a strict double of Bitwig's API, against the real server over UDP."""

from __future__ import annotations

import itertools
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import soundfile
from pythonosc.osc_message import OscMessage

from tests.bridge_server.peers import PATIENCE, ServerProcess, ServerThread, band_song, datagram, free_port
from tests.bridge_server.servers import server_fixture
from tests.examples.facts import assert_guesses_are_listed
from tests.examples.node_double import NODE, NodeDouble
from tests.places import EXAMPLES

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: node is missing; apt-get install nodejs")

SCRIPT = EXAMPLES / "bitwig" / "Takebridge.control.js"
DOUBLE = Path(__file__).with_name("bitwig_double.js")
RATE = 44100


server = server_fixture((band_song, "band.wav"), engine="sketch")


class Bitwig(NodeDouble):
    """Bitwig with our script in it, and a producer."""

    def __init__(self, bridge_port: int, pace: float) -> None:
        self.port = free_port()
        super().__init__(DOUBLE, SCRIPT, bridge_port, self.port, pace)

    def press(self, action: str) -> None:
        self.command("press", action)

    def model(self, **values: Any) -> None:
        self.command("model", values)

    def settings(self, **values: Any) -> None:
        self.command("settings", {name.replace("_", " "): value for name, value in values.items()})

    def shown(self, words: str) -> str:
        return str(self.until("println", words))

    def slots(self) -> list[dict[str, Any]]:
        self.command("state")
        found: list[dict[str, Any]] = self.until("state")
        return found


@pytest.fixture
def open_bitwig(server: ServerThread) -> Iterator[Callable[..., Bitwig]]:
    with ExitStack() as stack:

        def start(bridge_port: int | None = None, pace: float = 1.0) -> Bitwig:
            """pace: seconds of the script per second of ours."""
            bitwig = Bitwig(bridge_port or server.settings.osc_port, pace)
            stack.callback(bitwig.close)
            bitwig.settings(Song_file="band.wav", Takes=1)
            bitwig.slots()  # once it answers, it has done what came before
            return bitwig

        yield start


def newest(server: ServerThread) -> list[Any]:
    takes = server.takes()
    return [take for take in takes if take.job == takes[0].job]


def test_the_loop_is_repainted_into_launcher_slots(server, open_bitwig):
    bitwig = open_bitwig()
    bitwig.settings(Takes=2, Prompt="brighter")
    bitwig.model(loopStart=8, loopDuration=8)
    bitwig.press("Repaint")
    assert "2 takes in launcher slots of Band. Drag one to bar 3" in bitwig.shown("launcher slots")
    slots = bitwig.slots()
    assert [slot["name"] for slot in slots] == ["Repaint 1 @ bar 3", "Repaint 2 @ bar 3"]
    for take, slot in zip(sorted(newest(server), key=lambda take: take.number), slots, strict=True):
        assert (take.position, take.length) == (4 * RATE, 4 * RATE)
        assert soundfile.info(slot["path"]).frames == 4 * RATE
        assert slot["beats"] == 8
        assert take.request["prompt"] == "brighter"


@pytest.mark.parametrize(("meter", "bar"), [((4, 4), "2.3"), ((3, 4), "3"), ((6, 8), "3")])
def test_tempo_and_meter_go_along(server, open_bitwig, meter, bar):
    """A loop off the bar line at 127.3 BPM: the bridge's receipt has the nearest sample of that beat."""
    bitwig = open_bitwig()
    bitwig.model(tempo=127.3, loopStart=6, loopDuration=3.5, numerator=meter[0], denominator=meter[1])
    bitwig.press("Repaint")
    bitwig.shown("launcher slots")
    (take,) = newest(server)
    assert take.position == round(6 * 60 * RATE / 127.3)
    assert take.request["meter"] == f"{meter[0]}/{meter[1]}"
    assert bitwig.slots()[0]["name"] == f"Repaint 1 @ bar {bar}"


def test_a_file_that_starts_later_in_the_song(server, open_bitwig):
    bitwig = open_bitwig()
    bitwig.settings(**{"File starts at bar": 3})
    bitwig.model(loopStart=12, loopDuration=4)
    bitwig.press("Repaint")
    bitwig.shown("launcher slots")
    (take,) = newest(server)
    assert (take.position, take.start) == (6 * RATE, 2 * RATE)


def test_stems(server, open_bitwig):
    bitwig = open_bitwig()
    bitwig.command("slots", 12)
    bitwig.press("Extract")
    bitwig.shown("launcher slots")
    assert "Extract 1 vocals @ bar 1" in [slot["name"] for slot in bitwig.slots()]


def test_slots_that_hold_something_are_left_alone(open_bitwig):
    bitwig = open_bitwig()
    bitwig.command("occupy", 0)
    bitwig.command("occupy", 2)
    bitwig.settings(Takes=2)
    bitwig.press("Repaint")
    bitwig.shown("2 takes in launcher slots")
    names = [slot["name"] for slot in bitwig.slots()]
    assert names == ["mine", "Repaint 1 @ bar 1", "mine", "Repaint 2 @ bar 1"]


def test_a_stretched_clip_is_reported(open_bitwig):
    bitwig = open_bitwig()
    bitwig.model(stretch=0.5)
    bitwig.press("Repaint")
    assert "Bitwig stretched Repaint 1 @ bar 1: set Mode to Raw" in bitwig.shown("launcher slots")


def test_a_muted_track_is_reported(open_bitwig):
    bitwig = open_bitwig()
    bitwig.command("track", {"mute": True})
    bitwig.press("Repaint")
    assert "The track is muted." in bitwig.shown("launcher slots")


def self_test(bitwig: Bitwig) -> list[str]:
    """The lines of the report."""
    bitwig.press("Self-test")
    bitwig.until("println", "Takebridge self-test, Bitwig Studio 5.2.7, API 19")
    lines = []
    while not (lines and lines[-1].startswith("NOTE")):
        lines.append(bitwig.until("println"))
    return lines


def test_the_self_test_reports_each_step(open_bitwig):
    bitwig = open_bitwig()
    bitwig.settings(Takes=3)
    bitwig.model(loopStart=8, loopDuration=8, stretch=1)
    lines = self_test(bitwig)
    assert [line.split(": ")[0] for line in lines[:-1]] == [
        "OK      the server answers", "OK      a slot shows an inserted file",
        "OK      the cursor clip follows a selected slot", "OK      an inserted file is not stretched",
    ]  # fmt: skip
    assert lines[-1] == "NOTE    loop from beat 8b to 16b at 120 BPM in 4/4"
    assert "everything is OK" in bitwig.until("popup", "self-test")
    assert len(bitwig.slots()) == 1, "one take, whatever the panel says"


def test_the_self_test_sees_what_is_wrong(open_bitwig):
    bitwig = open_bitwig(pace=10.0)
    bitwig.model(stretch=0.5)
    assert "WRONG   an inserted file is not stretched: 2 beats, the file has 4" in self_test(bitwig)
    assert "1 WRONG" in bitwig.until("popup", "self-test")


REFUSALS = {
    # What plays and how is beyond a script's sight: stretched and muted clips are as they are exported, or not at all.
    "no file": (
        ("settings", {"Song file": " "}),
        "which file a clip plays, nor whether it is stretched or muted",
        "Export the song or the track as WAV, as you hear it",
    ),
    "loop off": (("model", {"loop": False}), "loop is off", "Switch it on"),
    "empty loop": (("model", {"loopDuration": 0}), "loop is empty", "Drag it"),
    "automated tempo": (("model", {"automated": True}), "tempo is automated", "--tempo-map"),
    "no track": (("track", {"exists": False}), "No track is selected", "Select the audio track"),
    "instrument track": (("track", {"type": "Instrument"}), "not an audio track", "Select an audio track"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refused_with_a_remedy(open_bitwig, case):
    bitwig = open_bitwig()
    command, sentence, remedy = REFUSALS[case]
    bitwig.command(*command)
    bitwig.press("Repaint")
    assert remedy in bitwig.shown(sentence)
    assert not any(event["event"] == "sent" for event in bitwig.seen)


def test_an_unsaved_project_is_shown_how_to_keep_its_takes(open_bitwig):
    """Bitwig does not tell scripts whether a project was ever saved, so it is always said."""
    bitwig = open_bitwig()
    bitwig.press("Repaint")
    assert "When you save the project, use File > Collect and Save" in bitwig.shown("launcher slots")
    assert soundfile.info(bitwig.slots()[0]["path"]).frames == 2 * RATE


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("tempo.banana();", "tempo has no banana"),
        ("tempo.hasAutomation(1);", "takes 0 arguments, got 1"),
        ("track.clipLauncherSlotBank().getItemAt('first');", "must be int"),
        ("host.createTransport(2);", "takes 0 arguments"),
        ("transport.arrangerLoopStart().get();", "nobody is interested"),
    ],
    ids=["unknown", "arity", "type", "arity of host", "nobody is interested"],
)
def test_the_double_is_strict(tmp_path, wrong, said):
    script = tmp_path / "wrong.control.js"
    begun = "transport = host.createTransport(); tempo = transport.tempo();"
    track = 'track = host.createCursorTrack("a", "b", 0, 1, true);'
    script.write_text(
        f"loadAPI(19); var transport, tempo, track; function init() {{ {begun} {track} {wrong} }}"
    )
    assert said in run_in_double(script)


def test_what_is_newer_than_the_api_asked_for_is_refused(tmp_path):
    """As Bitwig does, even where it has it: the script must ask for the newest it uses."""
    script = tmp_path / "older.control.js"
    script.write_text(SCRIPT.read_text().replace("loadAPI(19)", "loadAPI(18)"))
    assert "only available for API versions after 19" in run_in_double(script)


def run_in_double(script: Path) -> str:
    """What the double says of a script that it does not let through."""
    words = [str(NODE), str(DOUBLE), str(script), "1", "2"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode != 0
    return ended.stderr


def test_no_server_says_how_to_start_one(open_bitwig):
    bitwig = open_bitwig(bridge_port=free_port(), pace=8.0)
    bitwig.press("Repaint")
    bitwig.shown("no reply from the server yet")
    assert "takebridge serve" in bitwig.shown("not responding")
    bitwig.press("Cancel")
    bitwig.shown("Nothing is being rendered")


def test_a_busy_server_is_waited_for_with_growing_intervals(open_bitwig):
    """Its first reply comes with the fourth message, 7 seconds after the first, and the render goes its way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", 0))
        busy.settimeout(PATIENCE)
        bitwig = open_bitwig(bridge_port=busy.getsockname()[1])
        bitwig.press("Repaint")
        arrived = []
        for _ in range(4):
            message = OscMessage(busy.recv(65536))
            arrived.append((time.monotonic(), message.params[0]))
        moments, ids = zip(*arrived, strict=True)
        assert len(set(ids)) == 1
        assert [round(later - earlier) for earlier, later in itertools.pairwise(moments)] == [1, 2, 4]
        busy.sendto(
            datagram("/bridge/ack", ids[0], "job", "j1", "state", "queued"), ("127.0.0.1", bitwig.port)
        )
        bitwig.shown("queued")


def test_cancel(open_bitwig, tmp_path):
    bitwig = open_bitwig()
    bitwig.command("slots", 32)
    bitwig.settings(Takes=8)
    bitwig.model(loopStart=0, loopDuration=16)
    bitwig.press("Repaint")
    bitwig.until("popup", "%")
    bitwig.press("Repaint")
    bitwig.shown("already running")
    bitwig.press("Cancel")
    assert "Nothing was changed" in bitwig.shown("cancelled")
    assert bitwig.slots() == []


def test_a_file_outside_the_servers_folders(open_bitwig, tmp_path):
    bitwig = open_bitwig()
    band_song(tmp_path / "elsewhere.wav", bars=2)
    bitwig.settings(Song_file=str(tmp_path / "elsewhere.wav"))
    bitwig.press("Repaint")
    assert f'takebridge serve --root "{tmp_path}"' in bitwig.shown("outside the folders")


def test_no_free_slot_and_another_track(open_bitwig):
    bitwig = open_bitwig()
    bitwig.command("slots", 0)
    bitwig.press("Repaint")
    assert "Add scenes and press Insert" in bitwig.shown("only 0 free slots")
    bitwig.command("slots", 4)
    bitwig.command("track", {"name": "Keys"})
    bitwig.press("Insert")
    assert "Select Band and press Insert" in bitwig.shown("another track")
    bitwig.command("track", {"name": "Band"})
    bitwig.press("Insert")
    bitwig.shown("1 take in launcher slots")


def test_a_slot_that_takes_nothing_is_noticed(open_bitwig):
    bitwig = open_bitwig()
    bitwig.model(deaf=True)
    bitwig.press("Repaint")
    assert "Drag it in from the file browser" in bitwig.shown("did not insert")


def test_a_surface_presses_the_buttons(open_bitwig):
    bitwig = open_bitwig()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as surface:
        surface.sendto(datagram("/ace/repaint", 1.0), ("127.0.0.1", bitwig.port))
        surface.sendto(datagram("/ace/repaint", 0.0), ("127.0.0.1", bitwig.port))
        bitwig.shown("launcher slots")
        surface.sendto(datagram("/ace/nonsense"), ("127.0.0.1", bitwig.port))
        bitwig.shown("There is no /ace/nonsense")


@pytest.mark.slow
def test_a_server_killed_while_rendering_goes_on_when_it_is_back(open_bitwig, tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    band_song(folder / "band.wav", bars=16)
    server = ServerProcess(tmp_path / "store", folder, free_port()).start()
    running = [server]
    try:
        bitwig = open_bitwig(bridge_port=server.osc_port, pace=6.0)
        bitwig.command("slots", 8)
        bitwig.settings(Takes=4)
        bitwig.model(loopStart=8, loopDuration=16)
        bitwig.press("Repaint")
        bitwig.shown("queued")
        server.kill()
        running.clear()
        assert "Start it again" in bitwig.shown("the server has stopped")
        server.start()
        running.append(server)
        bitwig.shown("the server is back")
        bitwig.shown("4 takes in launcher slots")
        assert len({slot["path"] for slot in bitwig.slots()}) == 4
    finally:
        for one in running:
            one.stop()


def test_each_guess_about_bitwig_is_in_its_readme():
    """The rows that nobody has measured or documented are told to the people who install the script."""
    assert_guesses_are_listed(Path(__file__).with_name("bitwig_facts.md"), EXAMPLES / "bitwig" / "README.md")
