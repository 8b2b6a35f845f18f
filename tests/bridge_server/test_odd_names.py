"""Odd names of songs, through every way in: found under them, titled alike, and written as files every system takes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import urllib.parse
from dataclasses import replace

import pytest
import soundfile

from bridge_server.cli.commands import Screen, render, song_typed
from bridge_server.cli.console import TextConsole
from bridge_server.settings import WatchSettings
from clip_store.store import clip_name, file_stem
from daw_protocol.addresses import BY_NAME
from tests.bridge_server.doors import DOORS, Asked, Outcome, answer_of, websocket
from tests.bridge_server.endpoints.http.asking import ask
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")

REGION = {"start": 0, "end": 480}
NAMES = {
    # the file's name: the title everywhere, and the name its clips begin with
    "NUL.wav": ("NUL", "_NUL"),
    "con .wav": ("con ", "_con"),
    "50%2Fmix %s{}.wav": ("50%2Fmix %s{}", "50%2Fmix %s{}"),
    "a:b|c?*.wav": ("a:b|c?*", "a_b_c__"),
    "dots. . .wav": ("dots. . ", "dots"),
    "--json.wav": ("--json", "--json"),
    "a\nb\tc\u2028d.wav": ("a_b_c_d", "a_b_c_d"),
    "\u202erevo\u200b\U0001f3b8.wav": ("_revo_\U0001f3b8", "_revo_\U0001f3b8"),
    "\x1b[31m\x9b2J\x7f\x07.wav": ("_[31m_2J__", "_[31m_2J__"),
    "a\rb\r\nc.wav": ("a_b__c", "a_b__c"),
    "take:x.wav": ("take:x", "take_x"),
    "\"q\" '<b>' [bold]x &amp; \\.wav": ("\"q\" '<b>' [bold]x &amp; \\", "_q_ '_b_' [bold]x &amp; _"),
    "song.wav.part.wav": ("song.wav.part", "song.wav.part"),
    ".hidden.wav": (".hidden", "hidden"),
    "\u00e9" * 125 + ".wav": ("\u00e9" * 125, "\u00e9" * 60),
}
SHORT = [name for name in NAMES if len(os.fsencode(name)) < 200]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    (folder / "watched").mkdir()
    watch = WatchSettings(folder / "watched", poll_seconds=0.05, settle_seconds=0.1, patience_seconds=0.5)
    with ServerThread(settings_in(folder, watch=watch)) as running:
        for name in NAMES:
            noise_song(running.settings.roots[0] / name, 12_000)
        yield running


def http(server: ServerThread, asked: Asked) -> Outcome:
    """`PUT /uploads/NAME`, as `curl -T` sends it; the answer's source is then asked for."""
    path = server.settings.roots[0] / asked.name
    status, _, body = ask(
        server, "PUT", f"/uploads/{urllib.parse.quote(asked.name, safe='')}", path.read_bytes()
    )
    if status != 201:
        return Outcome(None, body.decode(), str(status))
    with server.websocket() as peer:
        replies = peer.render("repaint", source=json.loads(body)["source"], **asked.fields)
    (take,) = [reply["take"] for reply in replies if reply.name == "take"]
    return Outcome(server.takes()[0], take)


UPLOADS = {"upload": DOORS["upload"], "http": http}
NAMED = {name: DOORS[name] for name in ("osc", "websocket", "mailbox")}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
@pytest.mark.parametrize("door", [*NAMED, *UPLOADS])
def test_a_song_is_taken_whatever_its_name(server, door, name):
    outcome = (NAMED | UPLOADS)[door](server, Asked(name, REGION))
    assert outcome.take is not None, outcome.said
    if door in UPLOADS:
        return  # what an upload is called is another question
    title, stem = NAMES[name]
    assert outcome.take.title == title
    written = clip_name(outcome.take).name
    assert written.startswith(f"{stem}.repaint.1-")
    assert file_stem(written) == written[:60].rstrip(". "), "nothing that a system refuses"
    path = server.on_loop(lambda: server.server.store.clip_path(outcome.take))
    assert soundfile.info(path).frames == 480


@pytest.mark.parametrize("name", ["con .wav", "a\nb\tc\u2028d.wav", ".hidden.wav", "take:x.wav"], ids=ascii)
def test_so_does_the_command_line(server, name):
    outcome = DOORS["command line"](server, Asked(name, REGION))
    title, stem = NAMES[name]
    assert outcome.take.title == title
    folder = server.settings.store.parent / "out"
    assert (folder / f"{stem}.repaint.1.wav").is_file()


def test_a_take_is_a_song_on_the_command_line_too(server, capsys):
    source = DOORS["websocket"](server, Asked("con .wav", REGION)).take
    screen, asked = Screen(TextConsole(file=io.StringIO()), as_json=True), {"start": 480, "end": 960}
    names = [song_typed(f"take:{source.id}")]
    out = server.settings.store.parent / "out"
    assert asyncio.run(render(server.settings, screen, BY_NAME["repaint"], names, None, asked, out)) == 0
    take = server.takes()[0]
    assert (take.title, take.start) == (source.title, 480)
    assert take.request["source"] == f"take:{source.id}"


@pytest.mark.parametrize(
    "name", [name for name in SHORT if not name.startswith(".")], ids=lambda name: ascii(name)[:20]
)
def test_so_does_the_watched_folder(server, name):
    outcome = DOORS["watched folder"](server, Asked(name, {"bars": 1, "bpm": 1000}))
    assert outcome.take is not None, outcome.said
    assert outcome.take.title.startswith(NAMES[name][0])
    folder = server.settings.watch.folder / "Takes"
    (written,) = folder.glob(f"{file_stem(outcome.take.title)}.repaint.1.wav".replace("[", "[[]"))
    assert soundfile.info(written).frames == outcome.take.length


def test_files_on_their_way_and_hidden_ones_are_left_alone(server):
    folder = server.settings.watch.folder
    names = [".hidden [repaint 1, bpm 1000].wav", "mix [repaint 1, bpm 1000].wav.part"]
    for name in [*names, "last [repaint 1, bpm 1000].wav"]:
        os.replace(noise_song(folder / "copy.tmp.wav", 12_000), folder / name)
    answer_of(folder, "last [repaint 1, bpm 1000]")
    texts = [path.name for path in folder.glob("*.txt") if path.name.startswith((".hidden", "mix"))]
    assert texts == []


REFUSED = ["nul\x00.wav", "x" * 300 + ".wav"]


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: ascii(name)[:12])
@pytest.mark.parametrize("door", ["websocket", "upload", "http"])
def test_what_no_system_takes_is_refused_alike(server, door, name):
    """A song cannot be named so, and an upload cannot be announced so."""
    with server.websocket() as peer:
        if door == "http":
            status, _, body = ask(server, "PUT", f"/uploads/{urllib.parse.quote(name)}", b"data")
            assert status == 400
            said = body.decode()
        else:
            sent = (
                {"source": name, **REGION}
                if door == "websocket"
                else {"name": name, "size": 4, "sha256": "0" * 64}
            )
            peer.connection.send(
                json.dumps(
                    {
                        "jsonrpc": "2.0",
                        "id": 1,
                        "params": sent,
                        "method": {"websocket": "repaint"}.get(door, "upload.begin"),
                    }
                )
            )
            said = peer.frame_where(lambda frame: frame.get("id") == 1)["error"]["message"]
    words = "There is no file" if len(name) > 255 and door == "websocket" else "must"
    assert words in said


def test_names_that_differ_in_capitals_only_are_two_songs(server):
    root = server.settings.roots[0]
    for number, name in enumerate(("Mix.wav", "mix.wav", "MIX.WAV")):
        noise_song(root / name, 9600, seed=number + 50)
    takes = [websocket(server, Asked(name, REGION)).take for name in ("Mix.wav", "mix.wav", "MIX.WAV")]
    assert len({take.parent for take in takes}) == 3
    unlike = websocket(server, Asked("mIx.wav", REGION))
    assert "There is no file 'mIx.wav'" in unlike.said, "several look alike: none is chosen"
    assert replace(takes[0], title="mix").title == takes[1].title
