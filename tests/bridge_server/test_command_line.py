"""`takebridge` as one types it: its exit status, what it prints and the files it leaves.

Renders run as processes; commands whose process has nothing of its own run in this one.
"""

from __future__ import annotations

import json
import shutil

import mido
import numpy as np
import pytest
import soundfile
from wavinfo import WavInfoReader

from tests.bridge_server.peers import ServerProcess, band_song, run_bridge
from tests.bridge_server.typed import typed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A producer's folder with a song, its tempo map, and a store that stays for all tests of this file."""
    folder = tmp_path_factory.mktemp("producer")
    band_song(folder / "song.wav", bars=6)
    tempo = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(120)))
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    track.append(mido.MetaMessage("key_signature", key="A"))
    tempo.tracks.append(track)
    tempo.save(folder / "song.mid")
    return folder


@pytest.fixture(scope="module", params=["by starting one", "against a running one"])
def store(request, folder):
    """The store, with and without a server that runs on it."""
    store = folder / f"store {request.param}"
    if request.param == "by starting one":
        yield store
        return
    running = ServerProcess(store, folder).start()
    yield store
    running.stop()


def test_a_repaint_leaves_its_files(store, folder):
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    done = run_bridge(store, "repaint", str(folder / "song.wav"), "--bars", "3-4", "--bpm", "120", "--takes", "2",
                      "--seed", "4", "-o", str(out))  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    names = {path.name for path in out.iterdir()}
    assert names >= {
        f"song.repaint.{n}{suffix}" for n in (1, 2) for suffix in (".wav", ".song.wav", ".json", ".png")
    }
    source, rate = soundfile.read(folder / "song.wav", dtype="int16")
    for number in (1, 2):
        clip, clip_rate = soundfile.read(out / f"song.repaint.{number}.wav", dtype="int16")
        song, _ = soundfile.read(out / f"song.repaint.{number}.song.wav", dtype="int16")
        start, end = 2 * 4 * rate // 2, 4 * 4 * rate // 2
        assert (len(clip), clip_rate) == (end - start, rate)
        assert np.array_equal(song[:start], source[:start])
        assert np.array_equal(song[start:end], clip)
        assert np.array_equal(song[end:], source[end:])
        bext = WavInfoReader(str(out / f"song.repaint.{number}.wav")).bext
        assert bext.time_reference == start
        recipe = json.loads((out / f"song.repaint.{number}.json").read_text())
        assert (recipe["position"], recipe["receipt"]["outside_identical"]) == (start, True)
        assert (out / f"song.repaint.{number}.png").read_bytes().startswith(b"\x89PNG")
    assert "song.repaint.2.wav" in done.stdout


@pytest.mark.parametrize("store", ["by starting one"], indirect=True)
def test_json_is_the_terminal_reply_and_nothing_else(store, folder):
    done = run_bridge(store, "repaint", str(folder / "song.wav"), "--start", "4s", "--end", "4|1|0", "--tempo-map",
                      str(folder / "song.mid"), "-o", str(folder / "json out"), "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert (reply["reply"], reply["takes"], len(reply["results"])) == ("done", 1, 1)
    assert reply["results"][0]["position"] == 4 * 44100
    assert reply["results"][0]["length"] == 2 * 44100
    recipe = json.loads((folder / "json out" / "song.repaint.1.json").read_text())
    assert recipe["request"]["key"] == "A major", "the MIDI file's key"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            ["complete", "song.wav", "--length", "1 bars", "--bpm", "120"],
            "song.complete.1.wav",
            marks=pytest.mark.slow,
        ),
        (
            ["extract", "song.wav", "--bars", "2", "--bpm", "120", "--stems", "drums"],
            "song.extract.1.drums.wav",
        ),
        pytest.param(
            ["accompany", "song.wav", "--bars", "1-2", "--bpm", "120"],
            "song.accompany.1",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_other_tasks(folder, words, expected):
    out = folder / f"out {words[0]}"
    done = typed(folder / "store of tasks", *words, "-o", str(out), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert any(path.name.startswith(expected) for path in out.iterdir()), sorted(out.iterdir())


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["repaint", "missing.wav", "--bars", "1"], "missing.wav"),
        (["repaint", "song.wav", "--bars", "99", "--bpm", "120"], "after the song's end"),
        (["repaint", "song.wav"], "No region"),
        (["repaint", "song.wav", "--bars", "1", "--tempo-map", "song.wav"], "MIDI"),
        (["repaint", "song.wav", "--bars", "1", "--tempo-map", "none.mid"], "none.mid"),
        (["repaint", "song.wav", "--bars", "1", "--takes", "99"], "takes"),
        (["vary", "nonesuch"], "nonesuch"),
        (["takes", "--choose", "nonesuch"], "nonesuch"),
        (["jobs", "--cancel", "nonesuch"], "nonesuch"),
    ],
)
def test_what_cannot_be_done_is_reported_with_a_status(folder, words, word):
    done = typed(folder / "store of errors", *words, cwd=folder)
    assert done.returncode == 1
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) >= 2, "a remedy follows"


def test_a_failure_as_json(folder):
    done = typed(
        folder / "store of errors",
        "repaint",
        "song.wav",
        "--bars",
        "99",
        "--bpm",
        "120",
        "--json",
        cwd=folder,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["code"] == "bad_region"


@pytest.mark.parametrize("store", ["against a running one"], indirect=True)
def test_jobs_and_takes_are_listed_chosen_and_saved(store, folder):
    typed(
        store,
        "repaint",
        str(folder / "song.wav"),
        "--bars",
        "2",
        "--bpm",
        "120",
        "-o",
        str(folder / "first"),
    )
    jobs = json.loads(typed(store, "jobs", "--json").stdout)
    assert jobs[0]["state"] == "done"
    takes = json.loads(typed(store, "takes", "--json").stdout)
    name = takes[0]["take"]
    table = typed(store, "takes")
    assert (table.returncode, name in table.stdout) == (0, True)
    chosen = typed(store, "takes", "--choose", name, "--json")
    assert json.loads(chosen.stdout)["chosen"] == name
    assert json.loads(typed(store, "takes", "--revert", name, "--json").stdout)["chosen"] is None
    assert json.loads(typed(store, "takes", "--redo", name, "--json").stdout)["chosen"] == name
    assert json.loads(typed(store, "takes", "--lineage", name, "--json").stdout)[0]["take"] == name
    saved = typed(store, "takes", "--save", name, "-o", str(folder / "saved"))
    assert saved.returncode == 0
    assert (folder / "saved" / "song.repaint.1.wav").read_bytes() == (
        folder / "first" / "song.repaint.1.wav"
    ).read_bytes()
    assert "is deleted" in typed(store, "takes", "--delete", name).stdout
    assert json.loads(typed(store, "takes", "--json").stdout) == takes[1:]
    assert typed(store, "store", "verify").returncode == 0


def test_doctor_lists_what_is_there(folder):
    done = typed(folder / "doctors store", "doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0, [entry for entry in findings if entry["verdict"] == "bad"]
    assert {"good"} <= {entry["verdict"] for entry in findings}
    assert all(entry["remedy"] for entry in findings if entry["verdict"] == "bad")
    assert typed(folder / "doctors store", "doctor").returncode == 0


def test_serve_refuses_what_it_cannot_do(folder, tmp_path):
    open_host = typed(tmp_path / "s", "serve", "--host", "0.0.0.0")
    assert (open_host.returncode, "--token" in open_host.stderr) == (1, True)
    engine = typed(tmp_path / "s", "serve", "--engine", "nonesuch", "--port", "0", "--osc-port", "0")
    assert (engine.returncode, "nonesuch" in engine.stderr) == (1, True)
    running = ServerProcess(tmp_path / "t", folder).start()
    try:
        port = str(running.address["websocket_port"])
        same_store = typed(tmp_path / "t", "serve", "--port", "0", "--osc-port", "0")
        assert (same_store.returncode, "Another server" in same_store.stderr) == (1, True)
        same_port = typed(tmp_path / "u", "serve", "--port", port, "--osc-port", "0")
        assert (same_port.returncode, port in same_port.stderr) == (1, True)
        assert "--port" in same_port.stderr
    finally:
        running.stop()
    assert not (tmp_path / "t" / "server.json").exists()


def test_bad_options_are_refused_by_the_parser(folder):
    done = run_bridge(folder / "store of errors", "repaint", "song.wav", "--nonsense")
    assert (done.returncode, "--nonsense" in done.stderr) == (2, True)
