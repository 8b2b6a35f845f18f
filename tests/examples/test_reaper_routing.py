"""What the ReaScripts render of folders, buses and instruments, and where the takes of those go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.bridge_server.peers import band_song
from tests.bridge_server.servers import server_fixture
from tests.examples.facts import assert_guesses_are_listed
from tests.examples.reaper import SCRIPTS, Reaper, needs_lua, running_reaper, texts
from tests.examples.test_reaper import (
    a_project,
    an_item,
    audible,
    items_of,
    ours,
    recipe,
    render,
    request_of,
    said,
    settings_of,
    song,
)

pytestmark = needs_lua

RATE = 44100
SECONDS = 0.05
FRAMES = int(SECONDS * RATE)

server = server_fixture((band_song, "band.wav"), engine="sketch")


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    with running_reaper() as running:
        yield running


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """A file in which each sample has a value of its own."""
    path = tmp_path / "ramp.wav"
    soundfile.write(path, np.linspace(-0.5, 0.5, FRAMES, dtype="float32"), RATE, subtype="FLOAT")
    return path


def a_ramp(path: Path, **values: Any) -> dict[str, Any]:
    return an_item(path, length=SECONDS, D_FADEINLEN_AUTO=0, D_FADEOUTLEN_AUTO=0, **values)


def rendered(reaper: Reaper, tmp_path: Path, project: dict[str, Any], call: str) -> np.ndarray:
    """The left channel, shape (frames,), of what render.to_file makes. call: its arguments after the project."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts)
    out = tmp_path / "out"
    out.mkdir()
    project = {"media": str(tmp_path), **project}
    reaper.open(project)
    before = reaper.state()
    (scripts / "script.lua").write_text(
        "local here = ({reaper.get_action_context()})[2]:match('^(.*[/\\\\])')\n"
        "local render = dofile(here .. 'lib/render.lua')\n"
        f"assert(render.to_file(reaper.EnumProjects(-1), {call.format(out=repr(str(out)))}))\n",
        encoding="utf-8",
    )
    reaper._do("script", path=str(scripts / "script.lua"))
    after = reaper.state()
    assert settings_of(after) == settings_of(before)
    assert audible(after) == audible(before)
    assert [track["envelopes"] for track in after["tracks"]] == [
        track["envelopes"] for track in before["tracks"]
    ]
    assert after["master"] == before["master"]
    (path,) = out.iterdir()
    return soundfile.read(path, dtype="float32")[0][:, 0]


ONE_TRACK = f"reaper.GetTrack(0, 0), 0, {FRAMES}, {RATE}, {{out}}, 'x'"


def test_a_stem_is_the_track_before_its_effects_and_without_the_masters(reaper, tmp_path, ramp):
    """The take goes back in front of both: rendered with the master's effects it would pass them twice."""
    track = {
        "name": "Band",
        "fx": 2,
        "D_VOL": 0.25,
        "D_PAN": 0.5,
        "envelopes": {"<VOLENV2": 0.5, "<MUTEENV": 0.0},
        "items": [a_ramp(ramp)],
    }
    other = {"name": "Other", "I_SOLO": 1, "I_SELECTED": 1, "items": [a_ramp(ramp)]}
    project = {
        "tracks": [track, other],
        "master_fx": 1,
        "master_selected": 1,
        "master_envelopes": {"<VOLENV2": 0.5},
    }
    found = rendered(reaper, tmp_path, project, ONE_TRACK)
    assert np.array_equal(found, soundfile.read(ramp, dtype="float32")[0])


def test_the_mix_is_what_comes_before_the_masters_effects(reaper, tmp_path, ramp):
    track = {"name": "Band", "D_VOL": 0.5, "items": [a_ramp(ramp)]}
    project = {"tracks": [track], "master_fx": 1, "master_envelopes": {"<VOLENV2": 0.5}}
    found = rendered(reaper, tmp_path, project, f"nil, 0, {FRAMES}, {RATE}, {{out}}, 'x'")
    assert np.array_equal(found, soundfile.read(ramp, dtype="float32")[0] * np.float32(0.5))


def test_a_folder_is_the_sum_of_what_is_in_it(reaper, tmp_path, ramp):
    """With the children's own effects, without the folder's; a child that does not go to its folder is not in it."""
    tracks = [
        {"name": "Drums", "I_FOLDERDEPTH": 1, "fx": 1, "D_VOL": 0.125},
        {"name": "Kick", "fx": 1, "items": [a_ramp(ramp)]},
        {"name": "Room", "I_FOLDERDEPTH": 1},
        {"name": "Left", "I_FOLDERDEPTH": -1, "D_VOL": 0.25, "items": [a_ramp(ramp)]},
        {"name": "Elsewhere", "I_FOLDERDEPTH": -1, "B_MAINSEND": 0, "items": [a_ramp(ramp)]},
        {"name": "Bass", "items": [a_ramp(ramp)]},
    ]
    found = rendered(reaper, tmp_path, {"tracks": tracks}, ONE_TRACK)
    assert np.array_equal(found, soundfile.read(ramp, dtype="float32")[0] * np.float32(0.75))


def test_a_bus_is_the_sum_of_what_is_sent_to_it(reaper, tmp_path, ramp):
    tracks = [
        {"name": "Bus", "fx": 1},
        {"name": "Voice", "B_MAINSEND": 0, "sends": [{"to": 1}], "items": [a_ramp(ramp)]},
        {"name": "Choir", "sends": [{"to": 1, "muted": 1}], "items": [a_ramp(ramp)]},
    ]
    found = rendered(reaper, tmp_path, {"tracks": tracks}, ONE_TRACK)
    assert np.array_equal(found, soundfile.read(ramp, dtype="float32")[0])


def test_an_instruments_track_is_rendered_with_all_it_has(reaper, tmp_path):
    """Without its effects it would be silent."""
    notes = {"midi": True, "D_LENGTH": SECONDS}
    track = {
        "name": "Keys",
        "instrument": 0,
        "fx": 1,
        "D_VOL": 0.5,
        "envelopes": {"<VOLENV2": 0.5},
        "items": [notes],
    }
    found = rendered(reaper, tmp_path, {"tracks": [track]}, ONE_TRACK + ", true")
    expected = 0.25 * np.sin(2 * np.pi * 220 * np.arange(FRAMES) / RATE) * 0.125
    assert np.abs(found - expected).max() < 1e-7
    assert np.abs(found).max() > 0.01


def test_a_take_of_an_instrument_gets_a_track_of_its_own(server, reaper, tmp_path):
    """Its notes are cut and muted, its effects are in the take, and the new track closes the folder as this one did."""
    notes = {"midi": True, "D_LENGTH": 12.0, "D_FADEINLEN": 0, "D_FADEOUTLEN": 0}
    project = a_project(tmp_path, notes, track={"instrument": 0, "fx": 1, "I_FOLDERDEPTH": -1})
    project["tracks"].insert(0, {"name": "All keys", "I_FOLDERDEPTH": 1})
    project["tracks"].append({"name": "Last"})
    reaper.open(project, server.settings.store)
    before = reaper.state()["tracks"]
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state)
    assert "on a track of its own" in said(state)
    assert [track["name"] for track in state["tracks"]] == ["All keys", "Band", "Repaint of Band", "Last"]
    assert [track["values"]["I_FOLDERDEPTH"] for track in state["tracks"]] == [1, 0, -1, 0]
    assert [piece["values"]["B_MUTE"] for piece in sorted(items_of(state, 1), key=position)] == [0, 1, 0]
    (take,) = items_of(state, 2)
    assert (position(take), take["values"]["B_MUTE"]) == (4.0, 0)
    assert state["tracks"][2]["values"]["B_MUTE"] == 0
    reaper.undo()
    assert reaper.state()["tracks"] == before


def position(item: dict[str, Any]) -> float:
    return float(item["values"]["D_POSITION"])


def test_notes_without_an_instrument_are_a_silent_source(server, reaper, tmp_path):
    notes = {"midi": True, "D_LENGTH": 12.0}
    reaper.open(a_project(tmp_path, notes), server.settings.store)
    before = reaper.state()["tracks"]
    state = render(reaper)
    assert "The source is silent there" in said(state)
    assert "seed" not in said(state)
    assert state["tracks"] == before
    assert list((server.settings.store / "mailbox" / "audio").iterdir()) == []


def test_a_take_of_a_folder_stands_for_all_that_is_in_it(server, reaper, tmp_path):
    tracks = [
        {"name": "Drums", "I_FOLDERDEPTH": 1, "I_SELECTED": 1},
        {"name": "Kick", "items": [an_item(song(server))]},
        {"name": "Hat", "I_FOLDERDEPTH": -1, "items": [an_item(song(server), position=6.0, length=8.0)]},
        {"name": "Bass", "items": [an_item(song(server))]},
    ]
    reaper.open({**a_project(tmp_path), "tracks": tracks}, server.settings.store)
    before = reaper.state()["tracks"]
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state)
    (take,) = ours(state)
    assert take in items_of(state, 0)
    muted = [
        [piece["values"]["B_MUTE"] for piece in sorted(items_of(state, track), key=position)]
        for track in (1, 2, 3)
    ]
    assert muted == [[0, 1, 0], [1, 0], [0]]
    assert sorted(recipe(take)["under"]) == sorted(
        piece["guid"] for track in (1, 2) for piece in items_of(state, track) if piece["values"]["B_MUTE"]
    )
    reaper.undo()
    assert reaper.state()["tracks"] == before


def test_a_take_of_a_bus_whose_tracks_sound_elsewhere_waits_for_the_a_b(server, reaper, tmp_path):
    tracks = [
        {"name": "Bus", "I_SELECTED": 1},
        {"name": "Voice", "sends": [{"to": 1}], "items": [an_item(song(server))]},
    ]
    reaper.open({**a_project(tmp_path), "tracks": tracks}, server.settings.store)
    before = reaper.state()["tracks"]
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "play elsewhere too" in said(state)
    assert [track["name"] for track in state["tracks"]] == ["Bus", "Repaint of Bus", "Voice"]
    assert (state["tracks"][0], state["tracks"][2]) == (before[0], before[1]), "nothing is cut or muted"
    mutes = []
    for _ in range(2):
        mutes.append([track["values"]["B_MUTE"] for track in reaper.state()["tracks"]])
        reaper.action("ab")
    mutes.append([track["values"]["B_MUTE"] for track in reaper.state()["tracks"]])
    assert mutes == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]


def test_the_rulers_first_bar_goes_along(server, reaper, tmp_path):
    """A project that begins at bar -3: the same bars as in REAPER, in the map and in the messages."""
    reaper.open(a_project(tmp_path, an_item(song(server)), first_bar=-3), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert request_of(server)["tempo_map"]["first_bar"] == -3
    assert state["undo"] == ["Takebridge: repaint at -1.1.00"]


def test_more_channels_than_two_are_named(server, reaper, tmp_path):
    item = an_item(song(server), D_VOL=0.5)
    reaper.open(a_project(tmp_path, item, track={"I_NCHAN": 6}), server.settings.store)
    reaper.last_used(takes=1)
    assert "6 channels; the take has channels 1 and 2" in said(render(reaper))


def test_takes_undone_while_their_waveforms_are_drawn_are_let_go(server, reaper, tmp_path):
    """REAPER has freed them; the script must not touch them again."""
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.last_used(takes=3)
    reaper.action("repaint")
    reaper.until_text("Drawing the waveforms")
    reaper.undo()
    calls = reaper.state()["calls"].get("PCM_Source_BuildPeaks", 0)
    state = reaper.until(lambda state: "Done" in texts(state))
    assert state["calls"].get("PCM_Source_BuildPeaks", 0) == calls
    assert ours(state) == []


def test_cancelling_while_the_takes_are_copied_leaves_nothing_behind(server, reaper, tmp_path):
    project = a_project(tmp_path, an_item(song(server)))
    reaper.open(project, server.settings.store)
    reaper.last_used(takes=8)
    before = reaper.state()["tracks"]
    reaper.action("repaint")
    reaper.until_text("Copying the takes")
    reaper.action("cancel")
    state = reaper.until(lambda state: "Cancelled" in texts(state))
    assert "The server has the takes" in said(state)
    assert state["tracks"] == before
    assert list(Path(project["media"]).glob("Takebridge/*")) == []


def self_test(reaper: Reaper, folder: Path, **project: Any) -> list[str]:
    """The lines of the report that takebridge_selftest.lua writes."""
    reaper.open({"media": str(folder), "tracks": [], **project}, resources=folder)
    reaper.action("selftest")
    report = (folder / "Takebridge selftest.txt").read_text(encoding="utf-8")
    assert report in reaper.state()["console"]
    return report.splitlines()


@pytest.mark.parametrize("pan_law", [1, 0.7071], ids=["flat", "-3 dB"])
def test_the_self_test_finds_what_the_scripts_rely_on(reaper, tmp_path, pan_law):
    first, *lines = self_test(reaper, tmp_path, pan_law=pan_law)
    assert first.startswith("Takebridge self-test, REAPER 7")
    assert [line for line in lines if not line.startswith(("OK ", "NOTE "))] == []
    assert len(lines) > 15


@pytest.mark.parametrize(
    ("project", "wrong"),
    [
        (
            {"stems_through_master": True},
            "WRONG   a track renders before its effects and without the master's: sample 0 is -0.250000",
        ),
        ({"fail_render": "cancel"}, "WRONG   folders: "),
    ],
    ids=["stems through the master", "no render"],
)
def test_the_self_test_reports_a_reaper_that_does_otherwise(reaper, tmp_path, project, wrong):
    assert [line for line in self_test(reaper, tmp_path, **project) if line.startswith(wrong)]


def test_each_guess_about_reaper_is_in_its_readme():
    """The rows that nobody has measured or documented are told to the people who install the scripts."""
    assert_guesses_are_listed(Path(__file__).parent / "reaper_double" / "facts.md", SCRIPTS / "README.md")
