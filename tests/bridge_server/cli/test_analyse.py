"""`takebridge analyse`: from a song nobody knows to bars that fit, and a MIDI file that mido reads alike."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import mido
import pytest
import soundfile
from rich.console import Console

from bridge_server.cli import analyse as module
from bridge_server.cli.analyse import Wish, analyse, chords_from, clock, in_words, show, word
from bridge_server.cli.commands import Screen
from daw_protocol.errors import ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.timeline import Bbt, TempoMap
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in
from tests.model.sketch.survey.rhythm_songs import RATE, make, steady

LEAD_IN = 0.7


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    found = settings_in(tmp_path_factory.mktemp("analyse"), engine="sketch")
    with ServerThread(found):
        yield found


@pytest.fixture(scope="module")
def song(settings):
    path = settings.roots[0] / "bounce.wav"
    soundfile.write(path, make(steady(121.0, 10), lead_in=LEAD_IN).song.samples, RATE)
    return path


def run(settings, capsys, *args, **more):
    assert (
        asyncio.run(analyse(settings, Screen(Console(file=io.StringIO()), as_json=True), Wish(*args, **more)))
        == 0
    )
    return json.loads(capsys.readouterr().out)


def beats_of(path, count):
    """Seconds of the first quarters of a MIDI file, as mido has them."""
    file = mido.MidiFile(path)
    found, seconds, tempo, tick = [], 0.0, 500_000, 0
    for message in mido.merge_tracks(file.tracks):
        while len(found) < count and len(found) * file.ticks_per_beat <= tick + message.time:
            found.append(
                seconds
                + mido.tick2second(len(found) * file.ticks_per_beat - tick, file.ticks_per_beat, tempo)
            )
        seconds += mido.tick2second(message.time, file.ticks_per_beat, tempo)
        tick += message.time
        tempo = message.tempo if message.type == "set_tempo" else tempo
    return found


def test_a_bounce_with_a_lead_in(settings, song, tmp_path, capsys):
    found = run(settings, capsys, song, {}, midi=tmp_path / "map.mid", accept=True)
    assert (found["analysis"]["tempo"], found["accepted"]) == (121.0, True)
    tempo_map = TempoMap.from_json(found["tempo_map"])
    first = tempo_map.sample_of(Bbt(1), 48_000)
    assert first == pytest.approx(LEAD_IN * 48_000, abs=300)
    beats = beats_of(tmp_path / "map.mid", 40)
    tracks = mido.MidiFile(tmp_path / "map.mid").tracks
    assert (len(tracks) == 2) == bool(found["analysis"].get("chords"))
    assert not found["analysis"].get("chords") or tracks[1].name == "chords"
    for bar, beat in ((1, 1), (1, 2), (7, 3), (9, 1)):
        sample = tempo_map.sample_of(Bbt(bar, beat), 48_000)
        assert min(abs(seconds * 48_000 - sample) for seconds in beats) <= 1.0, (bar, beat)
    again = run(settings, capsys, song, {"shift": "1"}, kept=True, accept=True)
    assert again["analysis"] is None  # the tempo kept was changed, nothing was analysed
    moved = TempoMap.from_json(again["tempo_map"])
    assert moved.sample_of(Bbt(1), 48_000) == tempo_map.sample_of(Bbt(1, 2), 48_000)
    assert run(settings, capsys, song, {}, forget=True)["known"] is False


def test_a_tempo_that_is_said_is_not_looked_for(settings, tmp_path, capsys):
    song = noise_song(tmp_path / "noise.wav", 90_000)
    found = run(
        settings, capsys, song, {"bpm": "98", "bar_one": "0.25s", "meter": "3/4"}, midi=tmp_path / "a.mid"
    )
    assert found["analysis"] is None
    map_in_file = run(settings, capsys, song, {}, tempo_map=tmp_path / "a.mid")["tempo_map"]
    bars = [
        TempoMap.from_json(one).sample_of(Bbt(bar), 48_000)
        for one, bar in ((found["tempo_map"], 5), (map_in_file, 6))
    ]
    assert bars[0] == pytest.approx(
        bars[1], abs=1
    )  # a file begins on a bar line: the lead-in is a bar of its own


def test_a_song_without_a_tempo_and_a_wrong_edit_are_refused(settings, tmp_path):
    screen = Screen(Console(file=io.StringIO()))
    soundfile.write(tmp_path / "silent.wav", [0.0] * 8 * RATE, RATE)
    with pytest.raises(ProtocolError, match="silent"):
        asyncio.run(analyse(settings, screen, Wish(tmp_path / "silent.wav", {})))
    with pytest.raises(ProtocolError, match="cannot be changed"):
        asyncio.run(
            analyse(settings, screen, Wish(noise_song(tmp_path / "a.wav"), {"bpm": "900", "times": "2"}))
        )


@pytest.mark.parametrize(
    ("edits", "more", "option"),
    [
        ({"bpm": "98"}, {}, "--bpm"),
        ({"taps": "1, 1.5"}, {}, "--taps"),
        ({}, {"kept": True}, "--kept"),
        ({}, {"forget": True}, "--forget"),
    ],
)
def test_words_of_a_song_that_is_not_analysed_are_refused(settings, song, edits, more, option):
    screen = Screen(Console(file=io.StringIO()))
    with pytest.raises(ProtocolError, match=f"--words cannot be used with {option}:"):
        asyncio.run(analyse(settings, screen, Wish(song, edits, words=True, **more)))


class Server:
    """A server whose jobs are cancelled from a certain one on."""

    def __init__(self, first_cancelled):
        self.first_cancelled = first_cancelled
        self.jobs = 0

    async def upload(self, path):
        return "audio:1", None

    async def call(self, method, **values):
        self.jobs += method == "analyse"
        shown = {"analysis": {"tempo": 120.0}} if self.jobs < self.first_cancelled else {}
        return {
            "analyse": {"job": f"j{self.jobs}"},
            "jobs.show": shown,
            "songs.tempo": {"source": "audio:1", "known": False},
        }[method]

    async def follow(self, *_):
        return "cancelled" if self.jobs >= self.first_cancelled else "done", {}, []


@pytest.mark.parametrize("half", [1, 2])
def test_an_analysis_that_is_cancelled_in_either_half_says_so(settings, tmp_path, monkeypatch, half):
    server = Server(half)

    @contextlib.asynccontextmanager
    async def some_server(*_, **__):
        yield server

    monkeypatch.setattr(module, "some_server", some_server)
    monkeypatch.setattr(module, "follow", server.follow)
    printed = io.StringIO()
    asked = Wish(tmp_path / "song.wav", {}, words=True)
    assert asyncio.run(analyse(settings, Screen(Console(file=printed)), asked)) == 1
    assert (server.jobs, "Cancelled." in printed.getvalue()) == (half, True)


def test_words_for_people():
    printed = io.StringIO()
    found = BlueprintRecord.from_fields(
        {
            "tempo": 128.0, "other_tempo": 64.0, "meter": "4/4", "downbeat": 0.31, "key": "A minor", "tuning": -8.0,
            "confidence": {"tempo": 0.97, "octave": 0.7, "downbeat": 0.4, "meter": 0.9, "key": 0.85},
            "chords": [{"name": "Am", "time": 0.31}, {"name": "F", "time": 2.185}], "chords_text": "1|1 Am 2|1 F 9|1 %",
            "notes": ["The tracker [final0] has no weights."],
            "sections": [
                {"name": "A", "start": 0.0, "end": 75.25, "confidence": 0.5},
                {"name": "B", "start": 75.25, "end": 90.0, "confidence": 0.5},
            ],
        }
    )  # fmt: skip
    show(Screen(Console(file=printed, width=100)), found)
    lines = printed.getvalue()
    for text in (
        "128 BPM (or 64)",
        "0.70, possible",
        "0.310 s into the file",
        "0.40, a guess: check it",
        "A = 438.0 Hz",
        "1:15.2",
        "1 Am · 2 F · 3 % · 4 % · 5 % · 6 % · 7 % · 8 %",
        "The tracker [final0] has no weights.",
    ):
        assert text in lines, text
    assert (word(0.9), word(0.7), word(0.1)) == ("likely", "possible", "a guess: check it")
    found_chords = chords_from(found, TempoMap.constant(128, offset="0.31"))
    assert [(chord.quarter, str(chord.chord)) for chord in found_chords] == [(0, "Am"), (4, "F")]
    assert chords_from(None, TempoMap.constant(120)) == []
    assert clock(61.0) == "1:01.0"
    assert in_words(TempoMap.constant(120, offset="0.5")) == "120 BPM, 4/4, bar 1 at 0.500 s"


def test_a_part_is_described_by_itself_and_nothing_else_is_done_with_it(settings, tmp_path, monkeypatch):
    found = BlueprintRecord(caption="a quiet bridge")
    asked = []

    @contextlib.asynccontextmanager
    async def some_server(*_, **__):
        async def upload(_):
            return "audio:1", ""

        yield SimpleNamespace(upload=upload)

    async def analysed(_client, values, *_):
        asked.append(values)
        return found

    monkeypatch.setattr(module, "some_server", some_server)
    monkeypatch.setattr(module, "_analysed", analysed)
    printed = io.StringIO()
    screen = Screen(Console(file=printed))
    wish = Wish(tmp_path / "song.wav", {}, words=True, part={"start": "2s", "end": "4s"})
    assert asyncio.run(analyse(settings, screen, wish)) == 0
    assert asked == [{"source": "audio:1", "title": "song", "words": True, "start": "2s", "end": "4s"}]
    assert "a quiet bridge" in printed.getvalue()
    for more in ({"words": False}, {"accept": True}):
        with pytest.raises(ProtocolError, match="--start is for --words alone"):
            asyncio.run(analyse(settings, screen, replace(wish, **more)))
