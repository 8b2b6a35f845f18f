"""A musician's first hour on the command line, from an own MP3 to the finished song; tests/panel has it in Chromium."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from daw_protocol.timeline import Bbt, TempoMap
from tests.bridge_server.audition.cranked import CrankedDevices
from tests.bridge_server.first_hour import BPM, LEAD_IN, RATE, check_finished, own_song
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in
from tests.bridge_server.typed import typed


@pytest.fixture
def card(monkeypatch):
    """A sound card that plays when it is told to, and keeps what it got."""
    devices = CrankedDevices("card", rate=RATE)
    monkeypatch.setattr("bridge_server.server.SoundDevices", lambda _: devices)
    return devices


@pytest.fixture
def takebridge(tmp_path, card):
    """Types commands in a folder of the producer's, next to a server that runs: what they print as JSON."""
    settings = settings_in(tmp_path, engine="sketch", sound=True)

    def command(*words):
        done = typed(settings.store, *words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with ServerThread(settings):
        yield command


def bar(answer, number):
    """First sample of a bar, as `analyse` has it."""
    return TempoMap.from_json(answer["tempo_map"]).sample_of(Bbt(number), RATE)


def heard(card, frames):
    """What the card plays next of a take, once it is ready to."""
    blocks = (card.opened[-1].pull(512) for _ in range(2000))
    sound = next(block for block in blocks if block.any())
    return np.concatenate([sound, card.opened[-1].pull(frames)])


def in_order(played, clip):
    """Whether what was played, on both sides of a card, is a stretch of a mono clip."""
    starts = np.flatnonzero(clip[: len(clip) - len(played) + 1, 0] == played[0, 0])
    return any(
        np.array_equal(played, np.broadcast_to(clip[at : at + len(played)], played.shape)) for at in starts
    )


def test_from_an_own_mp3_to_the_finished_song(takebridge, card, tmp_path):
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

    takebridge("audition", "match", "off")
    playing = takebridge("audition", "play", first["take"], "--before", "0", "--after", "0")
    assert (playing["state"], playing["take"], playing["side"]) == ("playing", first["take"], "take")
    assert (playing["start"], playing["end"]) == (start, end), "the region alone, looped"
    clip = soundfile.read(tmp_path / first["files"]["clip"], dtype="float32", always_2d=True)[0]
    assert in_order(heard(card, 4096), clip)
    takebridge("audition", "ab", "original")
    other = takebridge("audition", "play", second["take"])
    assert (other["take"], takebridge("audition", "stop")["state"]) == (second["take"], "stopped")

    named = takebridge("takes", "--mark", first["take"], "--name", "Verse, darker", "--stars", "4")
    assert (named["name"], named["stars"]) == ("Verse, darker", 4)
    takebridge("takes", "--choose", first["take"])
    part = takebridge("takes", "--choose", second["take"], "--start", str(middle), "--end", str(end))
    assert part["chosen"] == second["take"]
    takebridge("takes", "--choose", third["take"])
    takebridge("song", "undo", "my demo")
    takebridge("takes", "--delete", fourth["take"])
    left = {each["take"]: each for each in takebridge("takes")}
    assert set(left) == {one["take"] for one in (first, second, third)}
    assert (left[first["take"]]["name"], left[first["take"]]["stars"]) == ("Verse, darker", 4)
    assert [left[one["take"]]["chosen"] for one in (first, second, third)] == [True, True, False]

    saved = takebridge("export", "song", "my demo", "--as", "mix", "--to", "out")
    assert saved["receipt"]["outside_identical"]
    check_finished(saved["path"], song, start, middle, end)
