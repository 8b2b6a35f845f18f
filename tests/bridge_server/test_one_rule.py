"""One rule at every way in: what a file's time stamp means, and which file a name means."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge_server.settings import WatchSettings
from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from tests.bridge_server.doors import DOORS, Asked, Outcome, answer_of
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in

RATE = 48_000
BAR = 2 * RATE  # at 120 BPM
STAMP = 2 * BAR  # bar 3
BY_NAME = [name for name in DOORS if name in ("osc", "websocket", "mailbox")]


def stamped(path: Path, stamp: int | None, seed: int) -> Path:
    """Four bars of noise that say they begin at sample `stamp`; None: they say nothing."""
    samples = np.random.default_rng(seed).integers(-3000, 3000, (4 * BAR, 1)).astype("float32") / 2**15
    bext = None if stamp is None else Bext(originator="DAW", time_reference=stamp)
    write_wav(path, Audio(samples, RATE, Encoding.PCM_16), bext)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors")
    (folder / "watched").mkdir()
    watch = WatchSettings(folder / "watched", poll_seconds=0.05, settle_seconds=0.1, patience_seconds=0.5)
    with ServerThread(settings_in(folder, watch=watch)) as running:
        yield running


@pytest.fixture
def at(server):
    """What a way in makes of a repaint of a file with this stamp."""

    def ask(door: str, stamp: int | None, **fields: object) -> Outcome:
        name = f"stamp {stamp}.wav"
        path = server.settings.roots[0] / name
        if not path.exists():
            stamped(path, stamp, seed=len(name))
        return DOORS[door](server, Asked(name, {"bpm": 120, **fields}))

    return ask


def mentions_the_stamp(outcome: Outcome) -> bool:
    return any(f"{whose} time stamp" in outcome.said for whose in ("By its", "The song's", "The file's"))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("stamp", "bars", "place", "said"),
    [
        (STAMP, "4", (3 * BAR, BAR), "By its time stamp the song starts 4.000 s after the project's start"),
        (None, "4", (3 * BAR, 3 * BAR), ""),
        (0, "4", (3 * BAR, 3 * BAR), ""),
        # 64 bits with a sign: one second before the project's zero.
        (2**64 - RATE, "1", (0, RATE), "1.000 s before the project's start"),
        # A thousand years: no position, and no reason to refuse the song.
        (2**45, "4", (3 * BAR, 3 * BAR), "is no position"),
    ],
)
def test_a_stamp_means_the_same_everywhere(at, door, stamp, bars, place, said):
    if door == "command line" and stamp != STAMP:
        return  # it uploads: that way in has all of the table
    outcome = at(door, stamp, bars=bars)
    assert outcome.place == place, outcome.said
    assert mentions_the_stamp(outcome) == bool(said)
    assert said in outcome.said


@pytest.mark.parametrize("door", DOORS)
def test_a_region_that_the_stamp_moves_out_of_the_song_is_explained(at, door):
    outcome = at(door, STAMP, bars="1")
    assert outcome.take is None
    assert "before the song does" in outcome.said
    assert "By its time stamp the song starts 4.000 s after" in outcome.said
    advice = "bar1" if door == "watched folder" else "source_position"
    assert advice in outcome.said


@pytest.mark.parametrize("door", [door for door in DOORS if door != "watched folder"])
def test_a_position_that_was_sent_overrules_the_stamp(at, door):
    outcome = at(door, STAMP, bars="1", source_position="0")
    assert outcome.place == (0, 0)
    assert not mentions_the_stamp(outcome)


def test_the_watched_folder_overrules_it_by_the_place_of_bar_1(at):
    outcome = at("watched folder", STAMP, bars="1", bar1=f"{STAMP / RATE}s")
    assert outcome.place == (STAMP, 0)


@pytest.mark.parametrize("rate", [44_100, 96_000])
@pytest.mark.parametrize("door", ["osc", "upload", "watched folder"])
def test_a_stamp_counts_the_files_own_samples(at, door, rate):
    assert at(door, STAMP, bars="4", rate=rate).place == (3 * 2 * rate, 2 * rate)


def test_an_upload_without_a_stamp_is_not_placed_by_an_earlier_one(server):
    """The same sound, in a file with a stamp and in one without: the store has it once."""
    root = server.settings.roots[0]
    for name, stamp in (("first.wav", STAMP), ("second.wav", None), ("third.wav", STAMP)):
        stamped(root / name, stamp, seed=99)
    places = [
        DOORS["upload"](server, Asked(name, {"bpm": 120, "bars": "4"})).place
        for name in ("first.wav", "second.wav", "third.wav")
    ]
    assert places == [(3 * BAR, BAR), (3 * BAR, 3 * BAR), (3 * BAR, BAR)]


def test_the_song_of_a_take_lies_where_its_song_lay(server, at):
    take = at("websocket", STAMP, bars="4").take
    outcome = DOORS["websocket"](server, Asked(f"take:{take.id}", {"bpm": 120, "bars": "5"}))
    assert outcome.place == (4 * BAR, 2 * BAR)


def test_a_panel_draws_the_song_where_requests_place_it(server, at):
    name = "stamp and panel.wav"
    stamped(server.settings.roots[0] / name, STAMP, seed=5)
    with server.websocket() as panel:
        panel.call("tempo", bpm=120)
        panel.call("source", source=name)
        focus = panel.call("focus.show")
        assert focus["song"]["position"] == STAMP
        take = next(
            reply for reply in panel.render("repaint", bars="3", **focus["request"]) if reply.name == "take"
        )
    assert take["position"] == STAMP


def test_a_song_without_a_stamp_does_not_take_over_the_place_of_the_last_one(server, at):
    at("osc", STAMP, bars="4")
    at("osc", None, bars="4")
    with server.websocket() as panel:
        assert panel.call("focus.show")["song"]["position"] == 0


UEBUNG = "Gr\u00f6\u00dfe \u00dcbung"
HANGUL = "\ud55c\uad6d \ub178\ub798"
ON_DISK_AND_ASKED = {
    "apart, asked together": ("NFD", UEBUNG, "NFC", UEBUNG),
    "together, asked apart": ("NFC", UEBUNG, "NFD", UEBUNG),
    "Korean, apart": ("NFD", HANGUL, "NFC", HANGUL),
    "capitals": ("NFC", UEBUNG, "NFC", UEBUNG.upper()),
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take these names for the same themselves")
@pytest.mark.parametrize("door", [*BY_NAME, "command line"])
@pytest.mark.parametrize("spelling", ON_DISK_AND_ASKED)
def test_a_name_that_looks_the_same_finds_the_file(server, door, spelling):
    if door == "command line" and spelling != "Korean, apart":
        return
    disk_form, disk_name, asked_form, asked_name = ON_DISK_AND_ASKED[spelling]
    root = server.settings.roots[0] / spelling
    root.mkdir(exist_ok=True)
    noise_song(root / f"{unicodedata.normalize(disk_form, disk_name)}.wav", 9600)
    asked = unicodedata.normalize(asked_form, asked_name)
    outcome = DOORS[door](server, Asked(f"{spelling}/{asked}.wav", {"start": 0, "end": 4800}))
    assert outcome.place == (0, 0), outcome.said
    assert outcome.take.title == asked, "as the producer wrote it"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are Unicode")
@pytest.mark.parametrize("door", [*BY_NAME, "command line"])
def test_a_name_that_is_not_unicode_can_be_asked_for(server, tmp_path, door):
    """As every answer shows it: with "?" for the bytes that are no text."""
    root = server.settings.roots[0]
    noise_song(tmp_path / "plain.wav", 9600)
    os.replace(tmp_path / "plain.wav", os.fsencode(root) + b"/caf\xe9.wav")
    with server.websocket() as panel:
        (listed,) = (song for song in panel.call("songs.list")["songs"] if song["title"] == "caf?")
    name = "caf?.wav" if door == "command line" else listed["source"]
    outcome = DOORS[door](server, Asked(name, {"start": 0, "end": 4800}))
    assert outcome.place == (0, 0), outcome.said


TAILS = (
    "(1)", " (1)", " - Copy", " - Copy (2)", " copy", " copy 2", " - Kopie", " (Kopie)", " (another copy)",
    "-001", "_bip", "_01", ".1", " 2", " - \u30b3\u30d4\u30fc", " \ubcf5\uc0ac\ubcf8", " \u526f\u672c", " (copie 1)",
)  # fmt: skip


def test_copies_of_a_dropped_file_ask_for_the_same(server):
    folder = server.settings.watch.folder
    stems = [f"copied [repaint 2, 240 bpm]{tail}" for tail in TAILS]
    for stem in stems:
        drop(noise_song(folder / "part.tmp.wav", 2 * RATE), folder / f"{stem}.wav")
    answers = [answer_of(folder, stem) for stem in stems]
    assert not any(failed for _, failed in answers), answers
    assert sum(take.title == "copied" and take.start == RATE for take in server.takes()) == len(TAILS)


WRITTEN_AS = {
    "mp3": ("MP3", None), "ogg": ("OGG", None), "opus": ("OGG", "OPUS"), "caf": ("CAF", None), "w64": ("W64", None),
    "rf64": ("RF64", None), "aifc": ("AIFF", None),
}  # fmt: skip
CANNOT_BE_READ = ("m4a", "wma", "mp4", "aac")


def test_every_kind_of_sound_with_words_is_answered(server, tmp_path):
    """Rendered where it can be read, in words where it cannot."""
    folder = server.settings.watch.folder
    samples, rate = soundfile.read(noise_song(tmp_path / "song.wav", RATE))
    for kind, (format, subtype) in WRITTEN_AS.items():
        soundfile.write(tmp_path / f"song.{kind}", samples, rate, format=format, subtype=subtype)
    for kind in CANNOT_BE_READ:
        (tmp_path / f"song.{kind}").write_bytes(b"\0\0\0\x20ftypM4A " * 100)
    for kind in (*WRITTEN_AS, *CANNOT_BE_READ):
        drop(tmp_path / f"song.{kind}", folder / f"a {kind} [repaint 1, 240 bpm].{kind}")
    for kind in WRITTEN_AS:
        text, failed = answer_of(folder, f"a {kind} [repaint 1, 240 bpm]")
        assert not failed, text
    for kind in CANNOT_BE_READ:
        text, failed = answer_of(folder, f"a {kind} [repaint 1, 240 bpm]")
        assert failed
        assert f".{kind} files cannot be read" in text
        assert "WAV, AIFF or FLAC" in text


def test_an_empty_file_with_words_is_answered(server):
    folder = server.settings.watch.folder
    (folder / "nothing [repaint 1, 240 bpm].wav").touch()
    text, failed = answer_of(folder, "nothing [repaint 1, 240 bpm]")
    assert failed
    assert "is empty" in text


def drop(path: Path, target: Path) -> None:
    """Puts a whole file there at once."""
    os.replace(path, target)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are Unicode")
@pytest.mark.parametrize("door", [*BY_NAME, "command line"])
@pytest.mark.parametrize("place", ["caf?.sf2", "caf?/kit.sf2"])
def test_an_options_file_whose_name_is_not_unicode_is_refused_in_words(server, door, place):
    """Its name, or its folder's: engines and their libraries take text."""
    root = server.settings.roots[0]
    noise_song(root / "plain.wav", 9600)
    path = Path(os.fsdecode(os.fsencode(root / place).replace(b"?", b"\xe9")))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"kit")
    options = {"sounds": place}
    fields = {
        "start": 0,
        "end": 4800,
        "engine": "sounds",
        "options": json.dumps(options) if door == "osc" else options,
    }
    outcome = DOORS[door](server, Asked("plain.wav", fields))
    assert outcome.take is None
    assert f"{place} has a name or a folder that is not UTF-8, which engines cannot open." in outcome.said
    assert "Rename it." in outcome.said
    assert "nternal error" not in outcome.said


OPTION_FILES = {
    # what an option names: (what is said, what helps)
    "nonesuch.sf2": ("There is no file 'nonesuch.sf2'", "Check the name"),
    "../outside.sf2": ("'../outside.sf2' is outside the folders the server may read", "--root FOLDER"),
    "folder of kits": ("There is no file 'folder of kits'", "Check the name"),
    "k\u0000t.sf2": ("must not contain a NUL character", ""),
    "x" * 300: ("There is no file", "Check the name"),
}


@pytest.mark.parametrize("door", [*BY_NAME, "command line", "watched folder"])
@pytest.mark.parametrize("name", OPTION_FILES, ids=lambda name: name[:12])
def test_an_options_file_that_cannot_be_used_is_refused_in_words(server, door, name):
    root = server.settings.roots[0]
    (root / "folder of kits").mkdir(exist_ok=True)
    noise_song(root / "plain.wav", 9600)
    (root.parent / "outside.sf2").write_bytes(b"kit")
    fields = {"start": 0, "end": 4800, "engine": "sounds"}
    if door == "watched folder":
        outcome = dropped_with_json(server, {**fields, "options": {"sounds": name}})
    else:
        options = json.dumps({"sounds": name}) if door == "osc" else {"sounds": name}
        outcome = DOORS[door](server, Asked("plain.wav", {**fields, "options": options}))
    assert outcome.take is None
    for words in OPTION_FILES[name]:
        assert words in outcome.said


def dropped_with_json(server: ServerThread, fields: dict[str, object]) -> Outcome:
    """What becomes of a song in the watched folder with a repaint in a .ace.json file next to it."""
    folder = server.settings.watch.folder
    stem = f"with json {len(list(folder.iterdir()))}"
    (folder / f"{stem}.ace.json").write_text(json.dumps({"task": "repaint", **fields}), encoding="utf-8")
    drop(noise_song(folder / "part.tmp.wav", RATE), folder / f"{stem}.wav")
    text, failed = answer_of(folder, stem)
    assert failed, text
    return Outcome(None, text)


def test_a_companion_that_cannot_be_used_is_refused_in_words(server):
    """The texts with requests, and MIDI files, next to dropped songs."""
    folder = server.settings.watch.folder
    cases = {
        ".ace.json": [
            (b"{}" + b" " * 2**20, "is larger than 1 MB"),
            (b'{"task": "repaint", "bars": "1", "source": "x"}', "source cannot be set here"),
            (b"\xff\xfe{}", "is not text in UTF-8"),
            (b"[1]", "is not an object"),
            (b'{"task": "repaint", "bars": "1", "bpm": 120, "rate": 9e999}', "got '9e999'"),
            (b'{"task": "repaint", "bars": "1", "bpm": 120, "rate": ' + b"9" * 5000 + b"}", "got '9999"),
            (b'{"task": "repaint", "bars": "1", "bpm": 120, "bar1": 1e400}', "bar1: '1e400' is not"),
        ],
        ".txt": [
            (b"repaint 1, bpm " + b"9" * 5000, "got '9999"),
            (b"repaint 1, rate " + b"9" * 5000, "got '9999"),
        ],
        ".mid": [(b"MThd" + bytes(9 * 2**20), "larger than 8 MB")],
    }
    said = {}
    for ending, rows in cases.items():
        for number, (data, words) in enumerate(rows):
            stem = f"companion {number}{ending.replace('.', ' ')}" + " [repaint 1]" * (ending == ".mid")
            (folder / f"{stem}{ending}").write_bytes(data)
            drop(noise_song(folder / "part.tmp.wav", RATE), folder / f"{stem}.wav")
            said[stem] = words
    for stem, words in said.items():
        text, failed = answer_of(folder, stem)
        assert failed
        assert words in text
        assert "nternal error" not in text


@pytest.mark.parametrize("ending", [".wav ", ".wav.", ".wav . ", "", ".flac."])
def test_a_name_with_words_that_hides_its_kind_is_answered(server, ending):
    """Trailing dots and blanks come from phones, archives and other systems; silence would be waited for."""
    folder = server.settings.watch.folder
    name = f"hidden{len(ending)}{ending[1:2]} [repaint 1, 240 bpm]{ending}"
    drop(noise_song(folder / "part.tmp.wav", RATE), folder / name)
    text, failed = answer_of(folder, Path(name).stem)
    assert failed
    assert f"The name {name!r} does not end in that of a kind of sound file" in text
    assert "Rename it, with nothing behind the ending." in text


def test_files_on_their_way_and_other_kinds_stay_unanswered(server):
    folder = server.settings.watch.folder
    names = [f"other [repaint 1, 240 bpm]{ending}" for ending in (".wav.part", ".crdownload", ".pdf", ".als")]
    for name in names:
        (folder / name).write_bytes(b"data")
    drop(noise_song(folder / "part.tmp.wav", RATE), folder / "last [repaint 1, 240 bpm].wav ")
    answer_of(folder, Path("last [repaint 1, 240 bpm].wav ").stem)
    assert not list(folder.glob("other*.txt"))


@pytest.mark.parametrize("door", [*BY_NAME, "command line"])
def test_a_title_taken_from_a_file_name_can_be_printed_at_every_way_in(server, door):
    name = "two\nlines \u202eturned.wav"
    noise_song(server.settings.roots[0] / name, 9600)
    outcome = DOORS[door](server, Asked(name, {"start": 0, "end": 4800}))
    assert outcome.take.title == "two_lines _turned"
