"""A musician's first hour on the command line, from an own MP3 to the finished song; tests/panel has it in Chromium."""

from __future__ import annotations

import json

import pytest

from daw_protocol.timeline import Bbt, TempoMap
from tests.bridge_server.first_hour import BPM, LEAD_IN, RATE, check_finished, own_song
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in
from tests.bridge_server.typed import typed


@pytest.fixture
def takebridge(tmp_path):
    """Types commands in a folder of the producer's, next to a server that runs: what they print as JSON."""
    settings = settings_in(tmp_path, engine="sketch")

    def command(*words):
        done = typed(settings.store, *words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with ServerThread(settings):
        yield command


def bar(answer, number):
    """First sample of a bar, as `analyse` has it."""
    return TempoMap.from_json(answer["tempo_map"]).sample_of(Bbt(number), RATE)


def test_from_an_own_mp3_to_the_finished_song(takebridge, tmp_path):
    song = own_song(tmp_path / "my demo.mp3", seed=4)
    refused = typed(tmp_path / "store", "repaint", "my demo.mp3", "--bars", "2-3", cwd=tmp_path)
    assert refused.returncode == 1
    assert "analyse" in refused.stderr, "the remedy for a tempo nobody knows"

    found = takebridge("analyse", "my demo.mp3", "--accept")
    assert found["analysis"]["tempo"] == pytest.approx(BPM, rel=0.005)
    assert bar(found, 1) == pytest.approx(LEAD_IN * RATE, abs=0.06 * RATE), "an encoder's delay aside"
    moved = takebridge("analyse", "my demo.mp3", "--kept", "--shift", "4", "--accept")
    assert bar(moved, 1) == pytest.approx(bar(found, 2), abs=2)

    def repaint(bars, takes):
        done = takebridge("repaint", "my demo.mp3", "--bars", bars, "--takes", takes, "-o", "out")
        return done["results"]

    first, second = repaint("2-3", "2")
    (third,) = repaint("5", "1")
    (fourth,) = repaint("7", "1")
    start, middle, end = (bar(moved, number) for number in (2, 3, 4))
    assert (first["position"], first["length"]) == (start, end - start)

    takebridge("takes", "--choose", first["take"])
    part = takebridge("takes", "--choose", second["take"], "--start", str(middle), "--end", str(end))
    assert part["chosen"] == second["take"]
    takebridge("takes", "--choose", third["take"])
    takebridge("song", "undo", "my demo")
    takebridge("takes", "--delete", fourth["take"])
    assert {each["take"] for each in takebridge("takes")} == {one["take"] for one in (first, second, third)}

    saved = takebridge("export", "song", "my demo", "--as", "mix", "--to", "out")
    assert saved["receipt"]["outside_identical"]
    check_finished(saved["path"], song, start, middle, end)
