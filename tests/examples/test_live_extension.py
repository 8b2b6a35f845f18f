"""The extension for Ableton Live, in node with a strict double of its host, against a real server over HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.bridge_server.peers import ServerThread, band_song, free_port
from tests.bridge_server.servers import server_fixture
from tests.examples.facts import assert_guesses_are_listed
from tests.examples.live_extension import ARRANGEMENT, Live, built
from tests.examples.node_double import NODE
from tests.places import EXAMPLES

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: node is missing; apt-get install nodejs")

RATE = 44100
BEAT = RATE // 2  # samples, at 120 BPM

sketch = server_fixture((band_song, "band.wav"), engine="sketch")
noise = server_fixture(engine="noise")
slow = server_fixture(engine="slow")
guarded = server_fixture(engine="noise", token="abc", trust_this_machine=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def band(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight bars of a band at 120 BPM."""
    return band_song(tmp_path_factory.mktemp("songs") / "Band.wav")


@pytest.fixture(scope="module")
def process(bundle: Path, noise: ServerThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = Live(bundle, tmp_path_factory.mktemp("live"), noise.settings.websocket_port)
    yield live
    live.close()


@pytest.fixture
def live(process: Live, band: Path) -> Live:
    """Live with a set of one track, and the server with the quick engine."""
    process.start_again()
    process.set(track("Band", band))
    return process


@pytest.fixture
def open_live(bundle: Path, band: Path, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Opens the same with another server."""
    with ExitStack() as stack:

        def start(server: ServerThread | int, **values: Any) -> Live:
            port = server if isinstance(server, int) else server.settings.websocket_port
            live = Live(bundle, tmp_path / "live", port)
            stack.callback(live.close)
            live.set(track("Band", band), **values)
            return live

        yield start


def track(name: str, song: Path, start: float = 0.0, end: float = 32.0) -> dict[str, Any]:
    return {"name": name, "clips": [{"path": str(song), "start": start, "end": end}]}


def clips_of(state: dict[str, Any], name: str = "Band") -> list[dict[str, Any]]:
    """What lies in the take lanes of a track, in order."""
    found = next(one for one in state["tracks"] if one["name"] == name)
    return [clip for lane in found["lanes"] for clip in lane["clips"]]


def newest(server: ServerThread) -> Any:
    return server.takes()[0]


def test_a_repaint_comes_back_into_take_lanes_on_its_beat_unwarped_and_as_long_as_the_selection(
    sketch: ServerThread, open_live: Callable[..., Live], band: Path
) -> None:
    live = open_live(sketch, scale={"mode": True, "name": "Dorian", "root": 6}, scenes=[[4, 4], [-1, -1]])
    live.keep(context=8)
    before = live.state()["tracks"]
    state = live.render("Repaint", 8, 12, prompt="brighter", takes=2)
    clips = clips_of(state)
    assert [(clip["start"], clip["end"], clip["warped"]) for clip in clips] == [(8, 12, False)] * 2
    assert [lane["name"] for lane in state["tracks"][0]["lanes"]] == ["Takebridge 1", "Takebridge 2"]
    assert clips[0]["name"].startswith("Band Repaint 1 ")
    assert state["tracks"][0]["clips"] == before[0]["clips"]  # what was there stays as it was
    assert live.renders() == [{"track": "Band", "start": 0, "end": 28}]  # 8 s on each side, in whole bars
    take = newest(sketch)
    assert (take.position, take.length, take.rate) == (8 * BEAT, 4 * BEAT, RATE)
    assert (take.request["key"], take.request["meter"], take.request["prompt"]) == (
        "F# dorian",
        "4/4",
        "brighter",
    )
    placed = {Path(clip["path"]).read_bytes() for clip in clips}
    assert placed == {sketch.get(f"/takes/{take.id}/clip.wav")[2] for take in sketch.takes()[:2]}
    heard = soundfile.read(BytesIO(sketch.get(f"/audio/{take.parent}.wav")[2]))[0]
    assert np.array_equal(heard, soundfile.read(band, frames=28 * BEAT)[0])  # before the track's effects
    assert state["temp"] == []  # what is not needed any more is gone


def test_two_undos_bring_back_the_set_as_it_was_and_free_lanes_are_used_again_in_one_step(live: Live) -> None:
    before = live.state()["tracks"]
    assert live.render("Repaint", 8, 12, takes=1)["steps"] == 2
    again = live.render("Repaint", 16, 20, takes=1)
    assert again["steps"] == 3
    assert [clip["start"] for clip in clips_of(again)] == [8, 16]
    over = live.render("Repaint", 10, 14, takes=1)
    assert [lane["name"] for lane in over["tracks"][0]["lanes"]] == ["Takebridge 1", "Takebridge 2"]
    for _ in range(5):
        live.command("undo")
    assert live.state()["tracks"] == before


def test_at_a_crooked_tempo_and_off_the_grid_takes_start_on_the_beat_and_on_the_nearest_sample(
    noise: ServerThread, live: Live
) -> None:
    tempo = float(np.float32(127.3))
    live.command("rules", {"tempo": tempo})
    state = live.render("Repaint", 8.37, 12.91, takes=1)
    [clip] = clips_of(state)
    assert clip["start"] == 8.37
    assert clip["end"] == pytest.approx(12.91, abs=1e-4)
    take = newest(noise)
    assert take.request["bpm"] == 127.3
    assert take.position == round(8.37 * 60 * RATE / 127.3)
    assert take.position + take.length == round(12.91 * 60 * RATE / 127.3)


def test_a_tempo_that_changes_on_the_way_is_measured_by_rendering_and_told(
    noise: ServerThread, live: Live
) -> None:
    live.command("rules", {"steps": [[0, 120], [6, 90]]})
    live.render("Repaint", 8, 12, takes=1)
    assert "The tempo changes around the selection" in live.window()["text"]
    take = newest(noise)
    assert take.position == RATE + round(2 * 60 / 90 * RATE)
    assert take.length == round(4 * 60 / 90 * RATE)
    assert [(one["start"], one["end"]) for one in live.renders()] == [(4, 16), (4, 8), (8, 12), (12, 16)]


def test_what_live_adds_to_its_renders_is_left_out(noise: ServerThread, live: Live) -> None:
    live.command("rules", {"pad": 512})
    state = live.render("Repaint", 8, 12, takes=1)
    assert "not as long as the tempo makes it" in live.window()["text"]
    take = newest(noise)
    assert (take.position, take.length) == (8 * BEAT, 4 * BEAT)
    assert [(clip["start"], clip["end"]) for clip in clips_of(state)] == [(8, 12)]


def test_the_token_goes_with_every_request_and_into_no_log_and_no_origin_is_sent(
    guarded: ServerThread, open_live: Callable[..., Live]
) -> None:
    live = open_live(guarded)
    live.pick("Repaint", 8, 12)
    assert "right-click > Takebridge: Settings" in live.window()["text"]
    live.fill()
    live.keep(token="abc")
    assert len(clips_of(live.render("Repaint", 8, 12, takes=1))) == 1
    sent = [one["value"]["headers"] for one in live.seen if one["event"] == "http"][1:]
    assert len(sent) >= 5
    assert {one["Authorization"] for one in sent} == {"Bearer abc"}
    assert not {name.lower() for one in sent for name in one} & {"origin", "sec-fetch-site"}
    assert not any(
        "abc" in str(one["value"]) for one in live.seen if one["event"] in ("log", "window", "progress")
    )


def test_a_server_that_stops_is_waited_for_until_it_is_back() -> None:
    script = """
    const { NoServer } = require("./server.js");
    const answers = [{ job: "j1" }, new NoServer("gone"), { state: "done", takes: [1] }];
    const call = async () => { if (answers[0] instanceof Error) throw answers.shift(); return answers.shift(); };
    const shown = [];
    require("./job.js").render({ call }, "repaint", { id: "x" }, (text) => shown.push(text), { aborted: false })
      .then(({ takes }) => console.log(JSON.stringify([takes, shown])));
    """
    folder = EXAMPLES / "live_extension" / "src"
    found = subprocess.run([str(NODE), "-e", script], cwd=folder, check=True, capture_output=True, text=True)
    assert json.loads(found.stdout) == [
        [1],
        ["The server has stopped. Start it again, and the render goes on."],
    ]


def test_several_tracks_are_rendered_together_each_take_in_its_tracks_own_lane(
    sketch: ServerThread, open_live: Callable[..., Live], band: Path
) -> None:
    live = open_live(sketch)
    live.set(
        track("Drums", band),
        track("Bass", band, 4, 36),
        {"name": "Keys", "midi": True},
        track("Group", band),
        track("Empty", band, 100, 104),
        groups={"Drums": "Group"},
    )
    live.keep(context=8)  # the sketch engine wants four bars around a region
    live.fill(takes=1, mode="together", prompt="")
    live.pick("Repaint", 8, 12, "Drums", "Bass", "Keys", "Group", "Empty")
    asked = live.window()
    assert "Drums, Bass: 4 beats at 120 BPM" in asked["text"]
    for words in (
        "cannot render MIDI",
        "Keys",
        "cannot render groups",
        "Group",
        "nothing plays there: Empty",
    ):
        assert words in asked["text"]
    live.until("progress closed")
    state = live.state()
    assert [len(clips_of(state, name)) for name in ("Drums", "Bass")] == [1, 1]
    [requested] = live.calls("repaint")
    assert requested["mode"] == "together"
    assert [one["title"] for one in requested["tracks"]] == ["Drums", "Bass"]
    assert state["steps"] == 2


def test_tracks_with_the_same_audio_are_asked_for_once_and_each_gets_the_takes(
    noise: ServerThread, live: Live, band: Path
) -> None:
    live.set(track("Band", band), track("Copy", band), track("Late", band, 4, 36))
    state = live.render("Repaint", 8, 12, "Band", "Copy", "Late", takes=1)
    assert [clip["name"][:9] for name in ("Band", "Copy", "Late") for clip in clips_of(state, name)] == [
        "Band Repa", "Copy Repa", "Late Repa",
    ]  # fmt: skip
    assert len([take for take in noise.takes() if take.job == newest(noise).job]) == 2


def test_a_continuation_begins_where_the_selection_ends(noise: ServerThread, live: Live) -> None:
    [clip] = clips_of(live.render("Continue", 24, 32, bars=2, takes=1))
    assert (clip["start"], clip["end"]) == (32, 40)
    assert newest(noise).position == 32 * BEAT


def test_stems_and_accompaniments_come_on_new_tracks_and_stems_wait_in_silence(live: Live) -> None:
    stems = live.render("Stems", 8, 12)["tracks"][1:]
    assert [(one["name"], one["mute"]) for one in stems] == [
        ("Band Stem vocals", True),
        ("Band Stem residual", True),
    ]
    assert all((one["clips"][0]["start"], one["clips"][0]["end"]) == (8, 12) for one in stems)
    [part, other] = live.render("Accompany", 8, 12, takes=2)["tracks"][3:]
    assert (part["name"], part["mute"], other["mute"]) == ("Band Accompany 1 piano", False, True)


def test_repaints_can_go_onto_new_tracks_that_are_muted(live: Live) -> None:
    state = live.render("Repaint", 8, 12, takes=1, place="track")
    assert [(one["name"], one["mute"]) for one in state["tracks"]] == [
        ("Band", False),
        ("Band Repaint 1", True),
    ]
    assert state["steps"] == 2


def test_abort_cancels_the_job_on_the_server_and_changes_nothing(
    slow: ServerThread, open_live: Callable[..., Live]
) -> None:
    live = open_live(slow)
    live.fill(takes=1)
    live.pick("Repaint", 8, 12)
    live.until("progress", "rendering")
    live.command("abort")
    live.until("progress closed")
    assert live.state()["steps"] == 0
    with slow.websocket("?client=live-extension") as peer:
        peer.call("watch")
        while (job := peer.call("jobs.list", limit=1)["jobs"][0])["state"] == "running":
            peer.next_received()
        assert job["state"] == "cancelled"


@pytest.mark.parametrize("press", ["cancel", "escape", "close", "nothing"])
def test_a_window_that_is_closed_asks_nothing(press: str, noise: ServerThread, live: Live) -> None:
    takes = len(noise.takes())
    live.fill(press)
    live.pick("Repaint", 8, 12)
    live.window()
    live.fill(takes=1)
    live.pick("Repaint", 8, 12)  # the next one is not refused as being busy
    live.until("progress closed")
    assert len(noise.takes()) == takes + 1
    assert len(live.renders()) == 1


def test_a_server_that_is_not_running_is_said_before_anything_is_asked(
    open_live: Callable[..., Live],
) -> None:
    live = open_live(free_port())
    live.pick("Repaint", 8, 12)
    text = live.window()["text"]
    assert "The Takebridge server is not running at 127.0.0.1:" in text
    assert "takebridge serve" in text
    assert live.renders() == []


@pytest.mark.parametrize(
    ("selection", "rules", "words"),
    [
        ((8, 8), {}, ["No time is selected.", "Drag over the bars"]),
        ((40, 44), {}, ["No audio is selected.", "nothing plays there: Band"]),
        ((8, 12), {"refuse": {"render": True}}, ["could not render the track Band", "no groups"]),
        (
            (8, 12),
            {"refuse": {"files": True}},
            ["may not read what Live rendered (ERR_ACCESS_DENIED)", "Quit Live"],
        ),
        ((8, 12), {"refuse": {"import": True}}, ["could not copy a take into the project: The disk is full"]),
        ((8, 12), {"refuse": {"clip": True}}, ["Live refused to put a take into its lane."]),
    ],
)
def test_what_goes_wrong_is_said_in_words(
    selection: tuple[float, float], rules: dict[str, Any], words: list[str], noise: ServerThread,
    live: Live,
) -> None:  # fmt: skip
    live.command("rules", rules)
    if rules:
        live.fill(takes=1)
    live.pick("Repaint", *selection)
    while (window := live.window())["title"] != "Takebridge":
        pass
    for expected in words:
        assert expected in window["text"]


def test_what_the_server_refuses_is_said_in_its_words(live: Live) -> None:
    live.fill(stems="kazoo")
    live.pick("Stems", 8, 12)
    assert live.window()["title"] == "Takebridge: Stems"
    assert "kazoo" in live.window()["text"]


def test_a_clip_that_live_makes_otherwise_is_said(live: Live) -> None:
    live.command("rules", {"stretch": -1.5})
    live.render("Repaint", 8, 12, takes=1)
    assert "lasts 2.5000 beats in Live instead of 4.0000" in live.window()["text"]


def test_a_clip_whose_length_live_shows_late_is_no_fault(live: Live) -> None:
    live.command("rules", {"late": 100})
    live.render("Repaint", 8, 12, takes=1)
    assert live.state()["steps"] == 2
    assert [one["event"] for one in live.seen].count("window") == 1


def test_settings_are_kept_and_a_summary_says_how_to_undo(live: Live) -> None:
    live.command(
        "answer", {"press": "ok", "values": {"meter": "6/8", "context": 3, "summary": True}, "windows": True}
    )
    live.pick("Settings", 0, 0, scope="AudioTrack")
    assert live.window()["fields"]["token"] == ""
    live.fill(prompt="brighter", takes=1)
    live.pick("Repaint", 9, 12)
    assert "6/8" in live.window()["text"]
    live.until("progress closed")
    text = live.window()["text"]
    assert "1 take is in take lanes" in text
    assert "Undo removes the takes; Undo again removes the new lanes." in text
    assert live.renders() == [{"track": "Band", "start": 3, "end": 18}]  # whole bars of 6/8, three beats each
    assert (live.settings["prompt"], live.settings["takes"], live.settings["meter"]) == ("brighter", 1, "6/8")


def test_a_take_lane_stands_for_its_track(live: Live) -> None:
    live.render("Repaint", 8, 12, takes=1)
    state = live.render("Repaint", 16, 20, "the clip Band", "Band/Takebridge 1", "Band", takes=1)
    assert len(clips_of(state)) == 2


def test_the_menu_is_where_producers_right_click(live: Live) -> None:
    live.command("menu")
    found = [(one["scope"], one["title"].removeprefix("Takebridge: ")) for one in live.until("menu")]
    names = ["Repaint...", "Continue...", "Accompany...", "Stems...", "Settings...", "Self-test..."]
    assert [title for scope, title in found if scope == ARRANGEMENT] == names
    assert [title for scope, title in found if scope == "AudioTrack"] == names[-2:]


def test_the_self_test_passes_in_the_double_and_leaves_nothing_behind(
    sketch: ServerThread, open_live: Callable[..., Live]
) -> None:
    live = open_live(sketch, rules={"tempo": 126})
    live.pick("Self-test", 0, 0, scope="AudioTrack")
    text = live.window()["text"]
    live.fill()
    assert "WRONG" not in text
    assert text.count("OK ") >= 12, text
    state = live.state()
    assert [one["name"] for one in state["tracks"]] == ["Band"]
    kept = live.folder / "storage" / "takebridge" / "selftest.txt"
    assert kept.read_text().startswith("NOTE    Takebridge self-test")


def test_the_self_test_says_what_is_wrong(open_live: Callable[..., Live]) -> None:
    live = open_live(free_port(), rules={"stretch": -1.5})
    live.pick("Self-test", 0, 0, scope="AudioTrack")
    text = live.window()["text"]
    assert "WRONG the server renders: The Takebridge server is not running" in text
    assert "lasts 30.5000 beats in Live instead of 32.0000" in text
    assert "SKIPPED a take plays on its sample" in text


def test_the_guesses_about_the_host_stand_in_the_readme() -> None:
    assert_guesses_are_listed(
        Path(__file__).with_name("live_extension_facts.md"), EXAMPLES / "live_extension" / "README.md"
    )
