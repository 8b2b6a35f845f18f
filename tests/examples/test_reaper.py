"""The ReaScripts as they are, in a real Lua, on a strict double of REAPER, against the real server with sketch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge_server.server import mailbox_root
from daw_protocol.timeline import TempoMap
from tests.bridge_server.peers import PATIENCE, ServerProcess, ServerThread, band_song
from tests.bridge_server.servers import server_fixture
from tests.examples.reaper import Reaper, needs_lua, running_reaper, texts

pytestmark = needs_lua

RATE = 44100
ENDED = ("Done", "Failed", "Cancelled")


server = server_fixture((band_song, "band.wav"), engine="sketch")


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    with running_reaper() as running:
        yield running


def song(server: ServerThread) -> Path:
    return server.settings.roots[0] / "band.wav"


def an_item(path: Path, position: float = 0.0, length: float = 16.0, **values: Any) -> dict[str, Any]:
    return {
        "file": str(path), "D_POSITION": position, "D_LENGTH": length, "D_FADEINLEN": 0, "D_FADEOUTLEN": 0, **values,
    }  # fmt: skip


def a_project(folder: Path, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One track called Band, selected, with these items; saved, with a media folder."""
    media = folder / "project" / "Media"
    media.mkdir(parents=True, exist_ok=True)
    track = {"name": "Band", "I_SELECTED": 1, "items": list(items), **changes.pop("track", {})}
    return {
        "path": str(folder / "project" / "song.rpp"),
        "media": str(media),
        "tracks": [track],
        "selection": [4.0, 8.0],
        **changes,
    }


def request_of(server: ServerThread, whole: bool = False) -> dict[str, Any]:
    """The newest request as the server has it; whole: with all positions as they are written."""
    with server.websocket() as peer:
        request = dict(peer.call("jobs.list", limit=1)["jobs"][0]["request"])
    if whole:
        return {
            **request,
            "regions": [{name: int(given) for name, given in one.items()} for one in request["regions"]],
        }
    places = ("start", "end", "source_position")
    return {name: int(given) if name in places else given for name, given in request.items()}


def render(reaper: Reaper, action: str = "repaint") -> dict[str, Any]:
    """Runs an action to its end."""
    reaper.action(action)
    return reaper.until(ended)


def ended(state: dict[str, Any]) -> bool:
    """Whether the window waits for nothing any more."""
    return "Cancel" not in texts(state) and any(word in texts(state) for word in ENDED)


def items_of(state: dict[str, Any], track: int = 0) -> list[dict[str, Any]]:
    return list(state["tracks"][track]["items"])


def ours(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Items with a recipe of ours, on any track."""
    return [
        item for track in state["tracks"] for item in track["items"] if "P_EXT:takebridge" in item["texts"]
    ]


def recipe(item: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(item["texts"]["P_EXT:takebridge"]))


def said(state: dict[str, Any]) -> str:
    return " ".join(texts(state))


def settings_of(state: dict[str, Any]) -> dict[str, Any]:
    return {**state["settings"], **state["texts"]}


def audible(state: dict[str, Any]) -> dict[str, Any]:
    """What a render's temporary changes must leave as it was."""
    return {track["name"]: track["values"] for track in [*state["tracks"], state["master"]]}


def test_names_may_be_long_and_in_any_script(server, reaper, tmp_path):
    for name in ("가" * 90, "🎸" + "x" * 300):
        project = a_project(tmp_path, an_item(song(server), D_VOL=0.9), track={"name": name})
        reaper.open(project, server.settings.store)
        reaper.last_used(takes=1)
        state = render(reaper)
        assert "Done" in texts(state), texts(state)
        assert request_of(server)["title"].startswith(name[:25])
        taken = [Path(one["file"]).name for item in ours(state) for one in item["takes"]]
        assert all(one.startswith(f"Repaint {name[:25]}") for one in taken), taken
        reaper.close_window()


def test_a_plain_selection_comes_back_as_takes_on_the_exact_sample(server, reaper, tmp_path):
    start, end = 4.000011, 7.999989  # between samples: rounded once
    project = a_project(tmp_path, an_item(song(server)), selection=[start, end])
    reaper.open(project, server.settings.store)
    before = reaper.state()
    reaper.last_used(takes=2, prompt="softer, with brushes")
    state = render(reaper)
    assert "Done" in texts(state)
    assert state["renders"] == 0, "the file itself would have done"
    request = request_of(server)
    first, last = round(start * RATE), round(end * RATE)
    assert (request["start"], request["end"], request["rate"]) == (first, last, RATE)
    assert request["source"] == str(song(server))
    assert request["prompt"] == "softer, with brushes"
    # The new item: where the receipt says, as long as the take, in time and without fades of REAPER's.
    (item,) = ours(state)
    values = item["values"]
    assert round(values["D_POSITION"] * RATE) == pytest.approx(values["D_POSITION"] * RATE, abs=1e-6)
    assert (round(values["D_POSITION"] * RATE), round(values["D_LENGTH"] * RATE)) == (first, last - first)
    assert (values["C_BEATATTACHMODE"], values["B_LOOPSRC"], values["B_MUTE"], values["I_CURTAKE"]) == (
        0,
        0,
        0,
        0,
    )
    assert (values["D_FADEINLEN"], values["D_FADEOUTLEN"]) == (0, 0)
    assert (values["D_FADEINLEN_AUTO"], values["D_FADEOUTLEN_AUTO"]) == (-1, -1)
    # Its takes: files of the project, whole and of the region's length.
    assert len(item["takes"]) == 2
    assert [take["texts"]["P_NAME"].split(" (")[0] for take in item["takes"]] == ["Repaint 1", "Repaint 2"]
    for take in item["takes"]:
        path = Path(take["file"])
        assert path.parent == Path(project["media"]) / "Takebridge"
        assert soundfile.info(path).frames == last - first
        assert take["values"]["D_STARTOFFS"] == 0
        assert json.loads(take["texts"]["P_EXT:takebridge"])["seed"] is not None
    assert not np.array_equal(*(soundfile.read(take["file"])[0] for take in item["takes"]))
    # What was there lies under it, cut and muted, and still plays what it played.
    pieces = sorted(
        (piece for piece in items_of(state) if piece is not item),
        key=lambda piece: piece["values"]["D_POSITION"],
    )
    pieces = [piece for piece in pieces if "P_EXT:takebridge" not in piece["texts"]]
    assert [piece["values"]["B_MUTE"] for piece in pieces] == [0, 1, 0]
    for piece in pieces:
        offset = piece["takes"][0]["values"]["D_STARTOFFS"]
        assert offset == pytest.approx(piece["values"]["D_POSITION"], abs=1e-9)
    assert recipe(item)["under"] == [pieces[1]["guid"]]
    assert recipe(item)["task"] == "repaint"
    assert "exact sample" in item["texts"]["P_NOTES"]
    assert "exact sample" in said(state)
    # One undo step, nothing outside it.
    assert len(state["undo"]) == 1
    assert state["undo"][0].startswith("Takebridge: repaint")
    assert state["loose"] == []
    reaper.undo()
    assert reaper.state()["tracks"] == before["tracks"]
    # The answers were read and removed.
    assert list((mailbox_root(server.settings.store) / "out").iterdir()) == []


def test_takes_lie_where_the_wave_says(server, reaper, tmp_path):
    """Heard through the double's mixer, inside is the take and outside the song, bit for bit."""
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    out = tmp_path / "mix"
    out.mkdir()
    for name, value in {"RENDER_SETTINGS": 0, "RENDER_BOUNDSFLAG": 0, "RENDER_STARTPOS": 0, "RENDER_ENDPOS": 16,
                        "RENDER_SRATE": RATE, "RENDER_NORMALIZE": 0, "RENDER_TAILFLAG": 0}.items():  # fmt: skip
        reaper.call("GetSetProjectInfo", 0, name, value, True)
    for name, text in {"RENDER_FILE": str(out), "RENDER_PATTERN": "all", "RENDER_FORMAT": "ZXZhdyAAAQ==",
                       "RENDER_FORMAT2": ""}.items():  # fmt: skip
        reaper.call("GetSetProjectInfo_String", 0, name, text, True)
    reaper.call("Main_OnCommandEx", 42230, 0, 0)
    mix, _ = soundfile.read(out / "all.wav", dtype="float32")
    source, _ = soundfile.read(song(server), dtype="float32")
    take, _ = soundfile.read(ours(state)[0]["takes"][0]["file"], dtype="float32")
    first, last = 4 * RATE, 8 * RATE
    assert np.array_equal(mix[:first], source[:first])
    assert np.array_equal(mix[first:last], take)
    assert np.array_equal(mix[last:], source[last:])
    assert not np.array_equal(take, source[first:last])


@pytest.mark.parametrize("selection", [[5.0, 7.5], [3.25, 9.0]], ids=["inside the ramp", "across the ramp"])
def test_the_whole_tempo_map_goes_along(server, reaper, tmp_path, selection):
    """A ramp under the selection, a meter change on a bar line, one that cuts a bar short."""
    tempo = [
        {"time": 0, "bpm": 120, "num": 4, "den": 4},
        {"time": 4, "bpm": 120, "linear": True},
        {"time": 8, "bpm": 150},
        {"time": 9.6, "bpm": 150, "num": 3, "den": 4},
        {"time": 11.0, "bpm": 90.5, "num": 7, "den": 8},
    ]
    reaper.open(
        a_project(tmp_path, an_item(song(server)), tempo=tempo, selection=selection), server.settings.store
    )
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state)
    tempo_map = TempoMap.from_json(request_of(server)["tempo_map"])
    bpms = [float(point.bpm) for point in tempo_map.points]
    assert bpms == [120, 120, 150, 150, 90.5]
    assert [point.ramp for point in tempo_map.points] == [False, True, False, False, False]
    # By hand: 8 quarters at 120; a ramp over 4 s passes 4 * 135/60 = 9; then 1.6 s at 150 = 4; then 1.4 s at 150 = 3.5.
    assert [float(point.quarter) for point in tempo_map.points] == pytest.approx(
        [0, 8, 17, 21, 24.5], abs=1e-9
    )
    meters = [(float(change.quarter), str(change.meter), change.cuts_bar) for change in tempo_map.meters]
    assert meters == [(0, "4/4", False), (21, "3/4", True), (24.5, "7/8", True)]
    (item,) = ours(state)
    first, last = (round(edge * RATE) for edge in selection)
    values = item["values"]
    assert (round(values["D_POSITION"] * RATE), round(values["D_LENGTH"] * RATE)) == (first, last - first)


def test_meters_on_bar_lines_do_not_cut_bars(server, reaper, tmp_path):
    tempo = [{"time": 0, "bpm": 127.3}, {"time": 8 * 60 / 127.3, "bpm": 127.3, "num": 3, "den": 4}]
    reaper.open(a_project(tmp_path, an_item(song(server)), tempo=tempo), server.settings.store)
    reaper.last_used(takes=1)
    render(reaper)
    changes = TempoMap.from_json(request_of(server)["tempo_map"]).meters
    assert [(change.quarter, change.cuts_bar) for change in changes] == [(0, False), (8, False)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"selection": [0, 0]}, "Nothing is selected"),
        ({"selection": [20.0, 24.0]}, "There is no audio in the selection"),
    ],
    ids=["nothing", "silence"],
)
def test_an_empty_selection_is_refused(server, reaper, tmp_path, changes, words):
    reaper.open(a_project(tmp_path, an_item(song(server)), **changes), server.settings.store)
    before = reaper.state()["tracks"]
    state = render(reaper)
    assert words in said(state)
    assert state["tracks"] == before
    assert state["undo"] == []


@pytest.mark.parametrize("where", ["item", "track"])
def test_a_muted_selection_is_refused(server, reaper, tmp_path, where):
    project = a_project(tmp_path, an_item(song(server), B_MUTE=int(where == "item")))
    if where == "track":  # several tracks are the mix, and a muted track is not in it
        project["tracks"] = [{**project["tracks"][0], "B_MUTE": 1, "I_SELECTED": 0}]
    reaper.open(project, server.settings.store)
    state = render(reaper)
    assert "is muted" in said(state)
    assert state["undo"] == []


def test_a_stretched_item_is_rendered_and_every_setting_put_back(server, reaper, tmp_path):
    """The take's own rate and effects are in the render; the track's effects and fader are not: they come after it."""
    project = a_project(
        tmp_path, an_item(song(server), length=20.0, D_PLAYRATE=0.8), track={"fx": 1, "D_VOL": 0.25, "D_PAN": 0.5},
        master_fx=1,
    )  # fmt: skip
    reaper.open(project, server.settings.store)
    before = reaper.state()
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state)
    assert state["renders"] == 1
    assert settings_of(state) == settings_of(before)
    assert audible(state) == audible(before)
    request = request_of(server)
    assert request["source_position"] == 0
    assert request["title"] == "Band"
    source = next(Path(mailbox_root(server.settings.store) / "audio").parent.glob("audio/*.wav"), None)
    assert source is None, "the render is removed when it is not needed any more"
    with server.websocket() as peer:
        take = peer.call("takes.list", limit=1)["takes"][0]
        whole = peer.fetch(take["take"], "song")
    path = tmp_path / "whole.wav"
    path.write_bytes(whole)
    rendered_audio, _ = soundfile.read(path, dtype="float64")
    played, _ = soundfile.read(song(server), dtype="float64")
    # The item at 0.8 of its speed, by the same interpolation: before the region nothing was touched.
    at = np.arange(4 * RATE) * 0.8
    expected = np.interp(at, np.arange(len(played)), played[:, 0])
    assert np.abs(rendered_audio[: 4 * RATE, 0] - expected).max() < 1e-6
    (item,) = ours(state)
    assert round(item["values"]["D_POSITION"] * RATE) == 4 * RATE


@pytest.mark.parametrize("failure", ["error", "cancel"])
def test_a_failed_render_changes_nothing(server, reaper, tmp_path, failure):
    project = a_project(
        tmp_path, an_item(song(server), D_PITCH=2), fail_render=failure, track={"fx": 2, "D_VOL": 0.5}
    )
    reaper.open(project, server.settings.store)
    before = reaper.state()
    state = render(reaper)
    assert "Failed" in texts(state)
    assert "REAPER" in said(state)
    assert state["renders"] == 1
    assert settings_of(state) == settings_of(before)
    assert audible(state) == audible(before)
    assert state["tracks"] == before["tracks"]


@pytest.mark.parametrize(
    "change",
    [
        {"D_VOL": 0.5}, {"D_PLAYRATE": 1.25}, {"D_PITCH": 1}, {"D_PAN": -0.5}, {"I_CHANMODE": 3}, {"fx": 1},
        {"D_FADEINLEN": 5.0}, {"D_FADEOUTLEN_AUTO": 9.0}, {"D_LENGTH": 17.0}, {"D_LENGTH": 7.0},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_reaper_adds_to_a_file_means_a_render(server, reaper, tmp_path, change):
    """The file alone would not be what the producer hears. Settled before the server is asked for anything."""
    selection = [13.0, 16.5] if change.get("D_LENGTH") == 17.0 else [4.0, 8.0]
    project = a_project(tmp_path, an_item(song(server), **change), fail_render="cancel", selection=selection)
    reaper.open(project, server.settings.store)
    assert render(reaper)["renders"] == 1


def test_fades_elsewhere_do_not_matter(server, reaper, tmp_path):
    item = an_item(song(server), D_FADEINLEN=1.0, D_FADEOUTLEN=2.0)
    reaper.open(a_project(tmp_path, item), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert state["renders"] == 0
    assert "Done" in texts(state)


def test_a_razor_edit_wins_over_the_time_selection_and_that_over_items(server, reaper, tmp_path):
    item = an_item(song(server), B_UISEL=1)
    razor = '5.0 6.0 "" 9.0 9.5 "{ENVELOPE}"'
    reaper.open(a_project(tmp_path, item, track={"razor": razor}), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Razor edit" in said(state)
    assert (request_of(server)["start"], request_of(server)["end"]) == (5 * RATE, 6 * RATE)
    reaper.open(a_project(tmp_path, item), server.settings.store)
    assert "Time selection: 3.1.00 to 5.1.00" in said(
        reaper.until(lambda state: "Time selection" in said(state))
    )
    reaper.open(a_project(tmp_path, item, selection=[0, 0]), server.settings.store)
    assert "Selected item: 1.1.00 to 9.1.00" in said(
        reaper.until(lambda state: "Selected item" in said(state))
    )


def test_several_razor_edits_are_regions_of_one_request(server, reaper, tmp_path):
    """Each gets its takes in its place; one undo step removes all of them."""
    track = {"razor": '9.0 10.0 "" 3.0 5.0 ""'}
    reaper.open(a_project(tmp_path, an_item(song(server)), track=track), server.settings.store)
    before = reaper.state()["tracks"]
    reaper.last_used(takes=2)
    state = render(reaper)
    assert "2 regions" in said(state)
    regions = request_of(server, whole=True)["regions"]
    assert [(one["start"], one["end"]) for one in regions] == [(3 * RATE, 5 * RATE), (9 * RATE, 10 * RATE)]
    placed = sorted((item["values"]["D_POSITION"], item["values"]["D_LENGTH"]) for item in ours(state))
    assert placed == [(3.0, 2.0), (9.0, 1.0)]
    assert [len(item["takes"]) for item in ours(state)] == [2, 2]
    for item in ours(state):
        for take in item["takes"]:
            assert soundfile.info(take["file"]).frames == round(item["values"]["D_LENGTH"] * RATE)
    assert len(state["undo"]) == 1
    reaper.undo()
    assert reaper.state()["tracks"] == before


def test_regions_of_the_mix_share_a_track(server, reaper, tmp_path):
    razor = '3.0 5.0 "" 9.0 10.0 ""'
    project = a_project(tmp_path, an_item(song(server)), track={"razor": razor, "D_VOL": 0.5})
    project["tracks"].append({"name": "Keys", "razor": razor})
    reaper.open(project, server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert [track["name"] for track in state["tracks"]] == ["Band", "Keys", "Repaint of mix"]
    assert [item["values"]["D_POSITION"] for item in items_of(state, 2)] == [3.0, 9.0]


def test_a_region_that_cannot_be_rendered_costs_the_others_nothing(server, reaper, tmp_path):
    """Outside the second one there is too little music left to work with."""
    track = {"razor": '0.5 1.5 "" 2.5 11.5 ""'}
    reaper.open(a_project(tmp_path, an_item(song(server), length=12.0), track=track), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state), said(state)
    assert [item["values"]["D_POSITION"] for item in ours(state)] == [0.5]
    assert "Region 2: There are only" in said(state)


def test_several_regions_cannot_be_continued(server, reaper, tmp_path):
    track = {"razor": '20.0 22.0 "" 24.0 25.0 ""'}
    reaper.open(a_project(tmp_path, an_item(song(server)), track=track), server.settings.store)
    assert "music continues in one place at a time" in said(render(reaper, "continue"))


def test_razor_edits_that_differ_between_tracks_are_refused(server, reaper, tmp_path):
    project = a_project(tmp_path, an_item(song(server)), track={"razor": '5.0 6.0 ""'})
    project["tracks"].append({"name": "Keys", "razor": '5.0 7.0 ""'})
    reaper.open(project, server.settings.store)
    assert "The razor edits of the tracks differ" in said(render(reaper))


def test_an_unsaved_project_gets_its_takes_and_a_word_about_saving(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server)), path=""), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state)
    assert "not saved yet" in said(state)
    assert Path(ours(state)[0]["takes"][0]["file"]).is_file()


@pytest.mark.parametrize(
    ("left", "words"), [("nothing", "is not running"), ("an address", "is not responding")]
)
def test_without_a_server_the_message_names_how_to_start_it(reaper, server, tmp_path, left, words):
    """Never started; or killed, so that its address lies there still and nobody takes the request."""
    store = tmp_path / "store"
    for folder in ("in", "out", "audio"):
        (store / "mailbox" / folder).mkdir(parents=True)
    if left == "an address":
        (store / "server.json").write_text("{}")
    reaper.open(a_project(tmp_path, an_item(song(server))), store)
    before = reaper.state()["tracks"]
    reaper.pace = 12.0
    state = render(reaper)
    assert words in said(state)
    assert "takebridge serve" in said(state)
    assert state["tracks"] == before
    assert list((store / "mailbox" / "in").iterdir()) == [], "the request was taken back"


def test_a_server_that_is_busy_is_waited_for(reaper, server, tmp_path):
    """It takes the request after ten seconds, as on a machine that renders with all cores."""
    store = tmp_path / "store"
    for folder in ("in", "out", "audio"):
        (store / "mailbox" / folder).mkdir(parents=True)
    (store / "server.json").write_text("{}")
    reaper.open(a_project(tmp_path, an_item(song(server))), store)
    reaper.pace = 4.0
    reaper.action("repaint")
    began = time.monotonic()
    state = reaper.until(lambda _: time.monotonic() - began > 2.5)
    assert "Contacting the server" in texts(state)
    (request,) = (store / "mailbox" / "in").iterdir()
    reply = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}})
    (store / "mailbox" / "out" / f"{request.stem}.jsonl").write_text(reply + "\n")
    request.unlink()
    reaper.until_text("Waiting for the server")


def test_cancelling_in_the_window(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.last_used(takes=8)
    before = reaper.state()["tracks"]
    reaper.action("repaint")
    reaper.until_text("In the queue", "%")
    reaper.click("Cancel")
    state = reaper.until(lambda state: "Cancelled" in texts(state))
    assert state["tracks"] == before
    with server.websocket() as peer:
        assert peer.call("jobs.list", limit=1)["jobs"][0]["state"] == "cancelled"


def test_cancelling_by_action_and_by_closing_the_window(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.action("cancel")
    assert "Nothing is being rendered" in reaper.state()["boxes"][0]["text"]
    reaper.last_used(takes=8)
    reaper.action("repaint")
    reaper.until_text("In the queue", "%")
    reaper.action("cancel")
    reaper.until(lambda state: "Cancelled" in texts(state))
    reaper.action("repaint")
    reaper.until_text("In the queue", "%")
    reaper.close_window()
    assert not reaper.state()["running"]
    with server.websocket() as peer:
        deadline = time.monotonic() + PATIENCE
        while peer.call("jobs.list", limit=1)["jobs"][0]["state"] != "cancelled":
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_server_is_reported_and_the_job_resumes_with_the_next(reaper, tmp_path):
    songs = tmp_path / "songs"
    songs.mkdir()
    path = band_song(songs / "band.wav", bars=16)
    process = ServerProcess(tmp_path / "store", songs).start()
    try:
        reaper.open(a_project(tmp_path, an_item(path, length=32.0), selection=[4.0, 12.0]), process.store)
        reaper.last_used(takes=4)
        reaper.action("repaint")
        reaper.until_text("%")
        process.kill()
        reaper.pace = 6.0
        state = reaper.until_text("The server has stopped")
        assert "takebridge serve" in said(state)
        assert state["undo"] == []
        process.start()
        state = reaper.until(ended)
    finally:
        process.stop()
    assert "Done" in texts(state)
    (item,) = ours(state)
    assert len(item["takes"]) == 4
    assert len({take["file"] for take in item["takes"]}) == 4


def test_next_take_and_the_original_again(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.action("next_take")
    assert "No Takebridge take" in reaper.state()["boxes"][0]["text"]
    reaper.last_used(takes=2)
    render(reaper)
    current = []
    for _ in range(3):
        reaper.action("next_take")
        current.append(ours(reaper.state())[0]["values"]["I_CURTAKE"])
    assert current == [1, 0, 1]
    muted = []
    for _ in range(2):
        reaper.action("ab")
        state = reaper.state()
        under = recipe(ours(state)[0])["under"]
        original = next(item for item in items_of(state) if item["guid"] in under)
        muted.append((ours(state)[0]["values"]["B_MUTE"], original["values"]["B_MUTE"]))
    assert muted == [(1, 0), (0, 1)]
    assert len(reaper.state()["undo"]) == 1 + 3 + 2, "each is one undo step"
    assert reaper.state()["loose"] == []


def test_the_mix_is_rendered_and_its_take_waits_on_a_muted_track(server, reaper, tmp_path):
    project = a_project(tmp_path, an_item(song(server)), track={"I_SELECTED": 0}, master_fx=1)
    project["tracks"].append(
        {"name": "Keys", "D_VOL": 0.5, "items": [an_item(song(server), position=2.0, length=10.0)]}
    )
    reaper.open(project, server.settings.store)
    before = reaper.state()
    reaper.last_used(takes=1)
    state = render(reaper)
    assert state["renders"] == 1
    assert settings_of(state) == settings_of(before)
    assert state["tracks"][:2] == before["tracks"], "a take of the mix touches no track"
    new = state["tracks"][2]
    assert new["name"] == "Repaint of mix"
    assert new["values"]["B_MUTE"] == 1
    assert round(new["items"][0]["values"]["D_POSITION"] * RATE) == 4 * RATE
    reaper.action("ab")
    values = reaper.state()["tracks"][2]["values"]
    assert (values["B_MUTE"], values["I_SOLO"]) == (0, 1)
    reaper.action("ab")
    values = reaper.state()["tracks"][2]["values"]
    assert (values["B_MUTE"], values["I_SOLO"]) == (1, 0)


def test_continuing_behind_an_item(server, reaper, tmp_path):
    item = an_item(song(server), length=12.0, B_UISEL=1)
    reaper.open(a_project(tmp_path, item, selection=[0, 0]), server.settings.store)
    reaper.last_used(takes=1)
    before = reaper.state()["tracks"][0]["items"]
    state = render(reaper, "continue")
    assert "Done" in texts(state)
    (new,) = ours(state)
    assert round(new["values"]["D_POSITION"] * RATE) == 12 * RATE
    assert round(new["values"]["D_LENGTH"] * RATE) == 16 * RATE, "eight bars at 120"
    assert items_of(state)[0] == before[0], "what is continued is not touched"


def test_continuing_silences_nothing_that_comes_later(server, reaper, tmp_path):
    items = [an_item(song(server), length=8.0, B_UISEL=1), an_item(song(server), position=10.0, length=4.0)]
    reaper.open(a_project(tmp_path, *items, selection=[0, 0]), server.settings.store)
    reaper.last_used(takes=1)
    before = reaper.state()["tracks"][0]
    state = render(reaper, "continue")
    assert state["tracks"][0] == before
    assert [track["name"] for track in state["tracks"]] == ["Band", "Continue of Band"]
    (new,) = ours(state)
    assert round(new["values"]["D_POSITION"] * RATE) == 8 * RATE


def test_a_gap_is_filled_on_the_track_itself(server, reaper, tmp_path):
    items = [
        an_item(song(server), length=8.0),
        an_item(song(server), position=12.0, length=4.0, D_STARTOFFS=12.0),
    ]
    reaper.open(a_project(tmp_path, *items, selection=[8.0, 12.0]), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper, "continue")
    assert "Done" in texts(state)
    assert len(state["tracks"]) == 1
    (new,) = ours(state)
    assert round(new["values"]["D_POSITION"] * RATE) == 8 * RATE
    assert round(new["values"]["D_LENGTH"] * RATE) == 4 * RATE
    assert all(item["values"]["B_MUTE"] == 0 for item in items_of(state))


def test_a_track_that_is_deleted_meanwhile_costs_no_take(server, reaper, tmp_path):
    project = a_project(tmp_path, an_item(song(server)))
    project["tracks"].append({"name": "Other"})
    reaper.open(project, server.settings.store)
    reaper.last_used(takes=1)
    reaper.action("repaint")
    reaper.until_text("In the queue", "%")
    reaper.delete_track(1)
    state = reaper.until(ended)
    assert "was deleted during the render" in said(state)
    assert [track["name"] for track in state["tracks"]] == ["Other", "Repaint of mix"]
    assert len(ours(state)) == 1


def test_a_backing_lies_on_a_track_of_its_own_below(server, reaper, tmp_path):
    project = a_project(tmp_path, an_item(song(server)))
    project["tracks"].append({"name": "Last"})
    reaper.open(project, server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper, "accompany")
    assert "Done" in texts(state)
    names = [track["name"] for track in state["tracks"]]
    assert (names[0], names[-1]) == ("Band", "Last")
    assert all(name.endswith("of Band") for name in names[1:-1])
    assert len(names) >= 3
    assert all(item["values"]["B_MUTE"] == 0 for item in items_of(state)), "the voice goes on"


def test_stems_get_a_track_each_and_stand_for_the_original(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    state = render(reaper, "extract")
    assert "Done" in texts(state)
    assert "sum to the song" in said(state)
    stems = [track for track in state["tracks"][1:] if track["name"].endswith("of Band")]
    assert len(stems) >= 2
    total = sum(soundfile.read(track["items"][0]["takes"][0]["file"], dtype="float64")[0] for track in stems)
    source, _ = soundfile.read(song(server), dtype="float64")
    assert np.abs(total - source[4 * RATE : 8 * RATE]).max() < 1e-4
    assert sorted(piece["values"]["B_MUTE"] for piece in items_of(state)) == [0, 0, 1]


def test_a_track_with_fixed_lanes_gets_a_lane_for_each_take(server, reaper, tmp_path):
    track = {"I_FREEMODE": 2, "I_NUMFIXEDLANES": 1}
    reaper.open(a_project(tmp_path, an_item(song(server)), track=track), server.settings.store)
    before = reaper.state()["tracks"][0]["items"]
    reaper.last_used(takes=2)
    state = render(reaper)
    assert state["tracks"][0]["values"]["I_NUMFIXEDLANES"] == 3
    assert [item["values"]["I_FIXEDLANE"] for item in ours(state)] == [1, 2]
    assert items_of(state)[0] == before[0], "nothing is cut"
    plays = []
    for action in ("next_take", "next_take", "ab"):
        reaper.action(action)
        plays.append({lane for lane, play in reaper.state()["tracks"][0]["lanes"].items() if play == 1})
    assert plays == [{"1"}, {"2"}, {"0"}]


def test_a_file_the_server_may_not_read_is_copied_to_it(server, reaper, tmp_path):
    elsewhere = band_song(tmp_path / "Sängerin äöü.wav", bars=8)
    reaper.open(a_project(tmp_path, an_item(elsewhere)), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    assert "Done" in texts(state)
    assert state["renders"] == 0
    assert mailbox_root(server.settings.store) in Path(request_of(server)["source"]).parents
    assert "Repaint Sängerin äöü" in Path(ours(state)[0]["takes"][0]["file"]).name
    assert list((mailbox_root(server.settings.store) / "audio").iterdir()) == []


def test_automatic_crossfades_on_splits_do_not_move_anything(server, reaper, tmp_path):
    """REAPER may be set to crossfade what is split; the take's own edges are the crossfade here."""
    reaper.open(a_project(tmp_path, an_item(song(server)), split_overlap=0.05), server.settings.store)
    reaper.last_used(takes=1)
    state = render(reaper)
    pieces = [item for item in items_of(state) if "P_EXT:takebridge" not in item["texts"]]
    spans = sorted(
        (piece["values"]["D_POSITION"], piece["values"]["D_POSITION"] + piece["values"]["D_LENGTH"])
        for piece in pieces
    )
    assert spans == [(0, 4), (4, 8), (8, 16)]
    for piece in pieces:
        assert piece["takes"][0]["values"]["D_STARTOFFS"] == pytest.approx(
            piece["values"]["D_POSITION"], abs=1e-9
        )
        for name in ("D_FADEINLEN", "D_FADEOUTLEN"):
            assert piece["values"][name] == 0
            assert piece["values"][f"{name}_AUTO"] == -1


def test_a_refusal_is_shown_in_the_servers_words(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.action("window")
    reaper.click("such as F# minor")
    reaper.type("H# blue")
    reaper.click("Repaint")
    state = reaper.until(lambda state: "Failed" in texts(state))
    assert "key" in said(state)
    assert state["undo"] == []


def test_the_window_keeps_what_was_wished(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.last_used(takes=1)
    reaper.action("window")
    reaper.click("such as F# minor")
    reaper.type("A minoor")
    reaper.press("left")
    reaper.press("backspace")
    reaper.press("home")
    reaper.click("what it should sound like")
    reaper.type("brüder – leise")
    reaper.press("enter")
    state = reaper.until(ended)
    assert state["project_ext"]["takebridge"]["key"] == "A minor"
    assert state["ext"]["takebridge"]["prompt"] == "brüder – leise"


def test_a_second_action_uses_the_open_window(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store)
    reaper.last_used(takes=1)
    reaper.action("window")
    reaper.tick()
    reaper.action("repaint")
    state = reaper.until(ended)
    assert len(ours(state)) == 1


def test_the_settings_say_where_the_store_is(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), tmp_path / "wrong")
    reaper.action("window")
    reaper.inputs(f" {server.settings.store} ")
    reaper.click("Settings")
    assert reaper.state()["ext"]["takebridge"]["store"] == str(server.settings.store)


def test_with_reaimgui_the_window_is_its(server, reaper, tmp_path):
    reaper.open(a_project(tmp_path, an_item(song(server))), server.settings.store, imgui=True)
    reaper.last_used(takes=1)
    reaper.action("window")
    reaper.click("what it should sound like")
    reaper.type("leise – aber brüder")
    reaper.press("backspace")
    reaper.click("+")
    assert "2" in texts(reaper.until(lambda state: "2" in texts(state)))
    reaper.click("Repaint")
    state = reaper.until(ended)
    assert "Done" in texts(state)
    assert state["ext"]["takebridge"]["prompt"] == "leise – aber brüde"
    assert len(ours(state)[0]["takes"]) == 2
    assert any("exact sample" in text for text in texts(state))
    reaper.press("escape")
    assert not reaper.state()["running"]
