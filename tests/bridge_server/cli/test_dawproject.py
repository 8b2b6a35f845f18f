"""One command from a .dawproject to the same project with takes, against a real server; read back by lxml."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lxml import etree
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.dawproject import free_path, render_project
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ProtocolError
from tests.bridge_server.cli.test_parser import parse
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import server_fixture
from tests.clip_store.exports.dawproject_schemas import PROJECT_SCHEMA
from tests.clip_store.projects.made import (
    RATE,
    audio,
    clip,
    clips,
    document,
    meters,
    project,
    sound,
    tempos,
    warped,
)

TEMPOS = tempos((0, 120), (16, "127.3")) + meters((0, 4, 4), (16, 7, 8))
BAND = document(clips(clip(audio(), 1, 23), clip(warped((0, 0), (4, 1)), 24, 4)), TEMPOS)
# Bar 6 is the second one of seven eighths: beats 19.5 to 23, the first sixteen of them at 120 BPM.
START, END = (round((8 + beats * 60 / 127.3) * RATE) for beats in (3.5, 7))


server = server_fixture()


def render(server: ServerThread, path, out, screen=None, task="repaint", track="Band", **fields) -> int:
    screen = screen or Screen(Console(file=io.StringIO()))
    return asyncio.run(render_project(server.settings, screen, BY_NAME[task], path, track, fields, out))


def takes_in(path):
    """(track, position, samples) of every clip that the command added."""
    with zipfile.ZipFile(path) as archive:
        root = etree.fromstring(archive.read("project.xml"))
        PROJECT_SCHEMA.assertValid(root)
        names = {track.get("id"): track.get("name") for track in root.iter("Track")}
        found = []
        for lanes in root.iterfind("Arrangement/Lanes/Lanes[@timeUnit='seconds']"):
            for one in lanes.iterfind("Clips/Clip"):
                data = archive.read(one.find("Audio/File").get("path"))
                samples, rate = soundfile.read(io.BytesIO(data), always_2d=True)
                assert float(one.get("duration")) * rate == pytest.approx(len(samples), abs=1e-3)
                found.append((names[lanes.get("track")], float(one.get("time")) * rate, samples))
    return found


def test_takes_of_a_bar_come_back_in_the_project(server, tmp_path, capsys):
    path = project(tmp_path / "song.dawproject", BAND, {"audio/band.wav": sound(12 * RATE)})
    screen = Screen(Console(file=io.StringIO()), as_json=True)
    assert render(server, path, tmp_path / "out", screen, bars="6", takes="2", seed="7") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["project"] == str(tmp_path / "out" / "song.takes.dawproject")
    found = takes_in(said["project"])
    assert [(name, round(position, 3), len(samples)) for name, position, samples in found] == [
        ("Band take 1", START, END - START), ("Band take 2", START, END - START),
    ]  # fmt: skip
    band = sound(12 * RATE)[START - RATE // 2 : END - RATE // 2]  # the clip begins on beat 1
    for _, _, samples in found:
        # The take's crossfades begin and end on the band's own samples.
        assert np.allclose(samples[[0, -1]], band[[0, -1]], atol=1e-3)
        assert not np.allclose(samples, band, atol=0.01)


def test_the_server_hears_the_track_where_it_is_with_the_projects_tempo(server, tmp_path):
    path = project(tmp_path / "song.dawproject", BAND, {"audio/band.wav": sound(12 * RATE)})
    assert render(server, path, tmp_path / "made.DAWproject", start="9s", end="9.5s") == 0
    assert len(takes_in(tmp_path / "made.dawproject")) == 1
    (take,) = server.takes()[:1]
    assert [point["bpm"] for point in take.recipe.tempo_map["points"]] == [120, "1273/10"]
    song = server.on_loop(lambda: server.server.store.blobs.get(take.parent))
    assert take.position - take.start == 0
    # Up to the stretched clip on beat 24: silence before the first clip, and the file from then on.
    end = round((8 + 8 * 60 / 127.3) * RATE)
    assert len(song.samples) == end
    assert np.array_equal(song.samples[RATE // 2 :], sound(12 * RATE)[: end - RATE // 2].astype(np.float32))
    assert not song.samples[: RATE // 2].any()


def test_a_continuation_ends_the_song_where_the_region_begins(server, tmp_path):
    path = project(tmp_path / "song.dawproject", BAND, {"audio/band.wav": sound(12 * RATE)})
    assert render(server, path, tmp_path, task="complete", start="9s", length="1 bars") == 0
    (take,) = server.takes()[:1]
    song = server.on_loop(lambda: server.server.store.blobs.get(take.parent))
    assert len(song.samples) == 9 * RATE


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bars": "7-8"}, "'band' is stretched .*Bounce the track"), ({}, "No region is named"),
        ({"bars": "9-4"}, "region"), ({"start": "100s", "end": "101s"}, "is silent around there"),
        ({"regions": ["1", "2"]}, "one region of one track"), ({"bars": "6", "takes": "99"}, "takes"),
        ({"bars": "6", "track": "Keys"}, "its audio tracks: 'Band'"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_refused_before_anything_is_written(server, tmp_path, fields, words):
    path = project(tmp_path / "song.dawproject", BAND, {"audio/band.wav": sound(12 * RATE)})
    with pytest.raises(ProtocolError, match=words):
        render(server, path, tmp_path / "out", **fields)
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path):
    song = tmp_path / "song.dawproject"
    (tmp_path / "song.takes.dawproject").touch()
    assert free_path(song, tmp_path).name == "song.takes-2.dawproject"
    (tmp_path / "mine.dawproject").touch()
    assert free_path(song, tmp_path / "mine.dawproject").name == "mine-2.dawproject"


@pytest.mark.parametrize("more", [["b.wav", "--each"], ["--bpm", "99"], ["--tempo-map", "map.mid"]])
def test_the_command_line_takes_one_project_alone(more):
    typed = parse("repaint", "a.dawproject", *more, "--bars", "1")
    with pytest.raises(ProtocolError, match="A project is rendered alone, and has its own tempo"):
        typed.run(typed)


def test_the_command_line_leads_here(monkeypatch):
    seen = []

    async def rendered(_settings, _screen, command, *rest):
        seen.extend([command.name, *rest])
        return 0

    monkeypatch.setattr("bridge_server.cli.dawproject.render_project", rendered)
    typed = parse("repaint", "a.DAWproject", "--track", "Bass", "--bars", "9-12", "-o", "b.dawproject")
    assert typed.run(typed) == 0
    assert seen == ["repaint", Path("a.DAWproject"), "Bass", {"bars": "9-12"}, Path("b.dawproject")]
