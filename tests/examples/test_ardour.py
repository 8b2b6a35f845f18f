"""The Ardour scripts in a real Ardour, with the real server: what is selected comes back in place, to the sample."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from daw_protocol.timeline import TempoMap
from tests.bridge_server.peers import ServerProcess, websocket
from tests.examples.ardour_rig import PATIENCE, Ardour, Placed, missing_programs
from tests.places import DEMO_SONG

TEMPOS = "0:104,36:112,64:112r,72:84"  # the demo song's, and a ramp from bar 17 on
METERS = "0:4/4,72:3/4"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(
        bool(missing_programs()),
        reason=f"SKIPPED: nothing was tried in Ardour, {', '.join(missing_programs())} not installed",
    ),
]
at_both_rates = pytest.mark.parametrize("studio", [48000, 44100], indirect=True, scope="module")
at_48_khz = pytest.mark.parametrize("studio", [48000], indirect=True, scope="module")


@dataclass
class Studio:
    """A running Ardour, a running server, and the song that lies on track "Song" from sample 0 on."""

    ardour: Ardour
    server: ServerProcess
    song: NDArray[np.float32]
    rate: int

    def samples(self, seconds: float) -> int:
        return round(seconds * self.rate)

    def set_up(self, **settings: Any) -> None:
        """What the Settings script keeps, and the song as it was."""
        notes = self.notes()
        notes["settings"] = settings
        (self.ardour.session / "takebridge.json").write_text(json.dumps(notes))
        self.ardour.lua(
            'local track = Session:route_by_name ("Song"):to_track ()'
            'track:use_playlist (ARDOUR.DataType.audio (), Session:playlists ():by_name ("Song"), true)'
        )

    def notes(self) -> dict[str, Any]:
        """What our scripts remember of the session."""
        file = self.ardour.session / "takebridge.json"
        found = json.loads(file.read_text()) if file.exists() else {}
        return {"jobs": {}, "takes": [], "settings": {}, **found}

    def ask(self, task: str, track: str, start: int, end: int, **settings: Any) -> None:
        """Selects, and presses the key."""
        self.set_up(**settings)
        self.ardour.select(track, start, end)
        self.ardour.run(task)

    def takes(self, task: str, track: str, start: int, end: int, **settings: Any) -> list[dict[str, Any]]:
        """Asks and waits; what our scripts remember of the takes that were placed."""
        before = len(self.notes()["takes"])
        self.ask(task, track, start, end, **settings)
        self.wait_for_takes(before)
        return list(self.notes()["takes"][before:])

    def wait_for_takes(self, before: int) -> None:
        def come() -> bool:
            assert not self.ardour.window(), self.ardour.shown()
            return len(self.notes()["takes"]) > before

        self.ardour.wait_for(come, "takes", 2 * PATIENCE)
        assert self.ardour.markers() == []

    def clip(self, take: str) -> NDArray[np.float32]:
        """A take's clip as the server has it."""
        with websocket(self.server.address["websocket_port"]) as peer:
            samples, rate = soundfile.read(io.BytesIO(peer.fetch(take)), dtype="float32", always_2d=True)
        assert rate == self.rate
        return np.asarray(samples)

    def asked_server(self, method: str, **params: Any) -> dict[str, Any]:
        with websocket(self.server.address["websocket_port"]) as peer:
            return dict(peer.call(method, **params))

    def region(self, take: dict[str, Any]) -> Placed:
        """A take's region in the saved session."""
        self.ardour.save()
        name = self.ardour.lua(f'say (Session:playlists ():by_id (PBD.ID ("{take["playlist"]}")):name ())')[
            0
        ][0]
        (found,) = [
            entry for entry in self.ardour.placed(name) if entry.name != "song.1" and "song" not in entry.name
        ]
        return found

    def shown_by(self, action: Callable[[], None]) -> str:
        """What the window says that an action opens; closes it."""
        before = len(self.ardour.shown())
        action()
        self.ardour.wait_for(self.ardour.window, "a message")
        self.ardour.close_window()
        return self.ardour.shown()[before:]


@pytest.fixture(scope="module")
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    rate = request.param
    folder = tmp_path_factory.mktemp("ardour")
    files = {name: demo(folder, name, rate) for name in ("demo_song", "demo_lead")}
    server = ServerProcess(folder / "store", folder)
    ardour = Ardour(folder / "ardour", rate, {"TAKEBRIDGE_STORE": str(server.store)})
    ardour.create(("Song", "Voice"), TEMPOS, METERS)
    server.start()
    try:
        ardour.start()
        ardour.place(files["demo_song"], "Song", 0)
        ardour.place(files["demo_lead"], "Voice", 0)
        ardour.save()
        song, _ = soundfile.read(files["demo_song"], dtype="float32", always_2d=True)
        yield Studio(ardour, server, song, rate)
    finally:
        ardour.stop()
        server.kill()


def demo(folder: Path, name: str, rate: int) -> Path:
    """A file of the demo song at a rate, in 32 bit float."""
    samples, made_at = soundfile.read(DEMO_SONG.parent / f"{name}.flac", dtype="float32", always_2d=True)
    path = folder / f"{name.removeprefix('demo_')}.wav"
    soundfile.write(path, soxr.resample(samples, made_at, rate), rate, subtype="FLOAT")
    return path


@at_both_rates
def test_a_repaint_lands_on_the_exact_sample(studio: Studio) -> None:
    ardour = studio.ardour
    start, end = studio.samples(9.3) + 1, studio.samples(14.1) + 2  # on no bar line
    saved = (ardour.session / "session.ardour").read_bytes()
    (take,) = studio.takes("repaint", "Song", start, end)
    assert (ardour.session / "session.ardour").read_bytes() == saved, "saving is up to the producer"
    region = studio.region(take)
    assert (region.position, region.length, region.start) == (start, end - start, 0)
    assert region.fades == (False, False)
    assert region.playing
    original = [entry for entry in ardour.placed("Song") if entry.playlist == "Song"]
    assert [(entry.playing, entry.position, entry.length) for entry in original] == [
        (False, 0, len(studio.song))
    ]

    mix = ardour.export("Song", 0, len(studio.song))
    assert np.array_equal(mix[:start], studio.song[:start])
    assert np.array_equal(mix[end:], studio.song[end:])
    assert np.array_equal(mix[start:end], studio.clip(take["take"]))
    assert not np.array_equal(mix[start:end], studio.song[start:end])

    ardour.undo()
    ardour.save()
    assert np.array_equal(ardour.export("Song", 0, len(studio.song)), studio.song)
    ardour.redo()
    assert studio.region(take) == region


@at_both_rates
def test_a_selection_across_a_tempo_ramp_is_sent_with_the_ramp(studio: Studio) -> None:
    ardour = studio.ardour
    start, end = (int(ardour.lua(f"say ({at_quarter(quarter)})")[0][0]) for quarter in (64, 72))
    (take,) = studio.takes("repaint", "Song", start, end)
    region = studio.region(take)
    assert (region.position, region.length) == (start, end - start)
    sent = TempoMap.from_json(studio.asked_server("takes.show", take=take["take"])["recipe"]["tempo_map"])
    quarters = [Fraction(number, 2) for number in range(160)]
    lines = ", ".join(at_quarter(quarter) for quarter in quarters)
    theirs = [int(sample) for sample in ardour.lua(f"say ({lines})")[0]]
    ours = [sent.sample_at(quarter, studio.rate) for quarter in quarters]
    assert np.abs(np.subtract(theirs, ours)).max() <= 1
    assert [str(sent.meter_at(Fraction(quarter))) for quarter in (71, 72)] == ["4/4", "3/4"]


def at_quarter(quarter: Fraction | int) -> str:
    """Lua for the sample of a quarter note."""
    return f"Temporal.timepos_t.from_ticks ({round(quarter * 1920)}):samples ()"


@at_48_khz
def test_takes_can_be_stepped_through_and_undone_at_once(studio: Studio) -> None:
    ardour = studio.ardour
    start, end = studio.samples(9), studio.samples(11)
    takes = studio.takes("repaint", "Song", start, end, takes=3, strength=0.8)
    assert [take["number"] for take in takes] == [1, 2, 3]
    names = [studio.region(take).playlist for take in takes]
    received = [ardour.playlist("Song")]
    for script in (
        "next_take",
        "next_take",
        "next_take",
        "next_take",
        "compare",
        "compare",
        "compare",
        "next_take",
    ):
        ardour.run(script)
        received.append(ardour.playlist("Song"))
    one, two, three = names
    assert received == [one, two, three, one, two, "Song", two, "Song", two]
    ardour.undo()
    ardour.save()
    assert [entry.name for entry in ardour.placed(names[0][:-1]) if entry.position == start] == []
    ardour.redo()
    assert [studio.region(take).position for take in takes] == [start] * 3


@at_48_khz
def test_a_continuation_starts_where_the_song_ends(studio: Studio) -> None:
    start = len(studio.song)
    end = start + studio.samples(4)
    (take,) = studio.takes("continue", "Song", start, end)
    region = studio.region(take)
    assert (region.position, region.length) == (start, end - start)
    mix = studio.ardour.export("Song", start - studio.rate, end)
    assert np.array_equal(mix[: studio.rate], studio.song[-studio.rate :])
    assert np.array_equal(mix[studio.rate :], studio.clip(take["take"]))


@at_48_khz
def test_a_backing_comes_on_a_track_of_its_own(studio: Studio) -> None:
    start, end = studio.samples(2.5), studio.samples(7)
    (take,) = studio.takes("accompany", "Voice", start, end, key="G", takes=1)
    region = studio.region(take)
    assert (region.position, region.length, region.playing) == (start, end - start, True)
    assert "Voice accompany" in studio.ardour.tracks()
    mix = studio.ardour.export("Voice accompany", start - 100, end + 100)
    assert np.array_equal(mix[100:-100], studio.clip(take["take"]))
    assert not mix[:100].any()
    assert not mix[-100:].any()


@at_48_khz
def test_stems_come_on_muted_tracks_and_sum_to_the_song(studio: Studio) -> None:
    start, end = studio.samples(9), studio.samples(11)
    takes = studio.takes("extract", "Song", start, end, stems="drums,bass")
    stems = [take["stem"] for take in takes]
    assert {"drums", "bass"} < set(stems)
    assert {f"Song {stem}" for stem in stems} <= set(studio.ardour.tracks())
    for take in takes:
        region = studio.region(take)
        assert (region.position, region.length) == (start, end - start)
        muted = studio.ardour.lua(f'say (Session:route_by_name ("Song {take["stem"]}"):muted ())')
        assert muted == [["true"]]
    total = sum(studio.ardour.export(f"Song {stem}", start, end).astype(np.float64) for stem in stems)
    assert np.abs(total - studio.song[start:end]).max() < 1e-5


@at_48_khz
def test_cancel_stops_the_job_and_leaves_the_song_alone(studio: Studio) -> None:
    ardour = studio.ardour
    studio.ask("repaint", "Song", studio.samples(4), studio.samples(30), takes=8)
    marker = ardour.wait_for(ardour.markers, "a marker")
    assert len(marker) == 1
    (job,) = studio.notes()["jobs"].values()
    ardour.wait_for(lambda: any(" %" in name for name in ardour.markers()), "progress")
    ardour.run("cancel")
    assert ardour.markers() == []

    def cancelled() -> bool:
        jobs = studio.asked_server("jobs.list", limit=1)["jobs"]
        return bool(jobs[0]["id"]) and jobs[0]["state"] == "cancelled"

    ardour.wait_for(cancelled, "the end of the job")
    assert studio.notes()["jobs"] == {}
    assert ardour.playlist("Song") == "Song"
    assert job["task"] == "repaint"
    assert "nothing to cancel" in studio.shown_by(lambda: ardour.run("cancel"))


@at_48_khz
def test_json_survives_ardours_lua(studio: Studio, tmp_path: Path) -> None:
    value = {
        "text": 'a "quoted" \\ line\n\ttab \x01 \u00e4 \u2019 \U0001f3b5',
        "numbers": [0, -1, 2**53, 0.1, -1.5e-9, 1e300],
        "words": [True, False],
        "empty": [[], {}, ""],
        "deep": {"a": [{"b": [1, [2, [3]]]}]},
    }
    for ascii_only in (True, False):
        (tmp_path / "in.json").write_text(
            json.dumps(value, ensure_ascii=ascii_only, indent=2), encoding="utf-8"
        )
        studio.ardour.lua(f"""
local need = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua") ()
local json, files = need ("json"), need ("files")
files.write ("{tmp_path}/out.json", json.encode (json.decode (files.read ("{tmp_path}/in.json"))))""")
        assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == value
    for wrong in ("{", "[1,]", '{"a" 1}', '"open', "tru", "1 2", ""):
        (tmp_path / "in.json").write_text(wrong)
        rows = studio.ardour.lua(f"""
local need = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua") ()
say (pcall (need ("json").decode, need ("files").read ("{tmp_path}/in.json")))""")
        assert rows[0][0] == "false", wrong
        assert rows[0][1].startswith("no JSON"), rows


@at_48_khz
def test_settings_are_kept_with_the_session(studio: Studio) -> None:
    studio.set_up(prompt="warm", takes=2, strength=0.25)
    studio.ardour.run("settings")
    studio.ardour.confirm_window()
    expected = {"prompt": "warm", "takes": 2, "strength": 0.25, "key": "", "stems": ""}
    studio.ardour.wait_for(lambda: studio.notes()["settings"] == expected, "settings")


@at_48_khz
def test_what_was_asked_long_ago_is_given_up(studio: Studio) -> None:
    notes = studio.notes()
    job = {"name": "ardour-old", "task": "repaint", "number": 99, "start": 0, "stop": 48000, "asked": 1}
    notes["jobs"] = {"ardour-old": job}
    (studio.ardour.session / "takebridge.json").write_text(json.dumps(notes))
    studio.ardour.wait_for(lambda: not studio.notes()["jobs"], "the end of the job")
    assert studio.ardour.markers() == []
    assert "repaint 99: its reply was deleted" in studio.ardour.shown()


@at_48_khz
def test_an_impossible_request_is_refused_with_a_remedy(studio: Studio) -> None:
    ardour = studio.ardour
    studio.set_up()
    ardour.lua("Editor:get_selection ():clear_all ()")
    assert "Select a range on one audio track first" in studio.shown_by(lambda: ardour.run("repaint"))
    start, end = studio.samples(3), studio.samples(5)
    muting = "for r in Session:playlists ():by_name ('Song'):region_list ():iter () do r:set_muted (%s) end"
    ardour.lua(muting % "true")
    ardour.select("Song", start, end)
    assert "is muted" in studio.shown_by(lambda: ardour.run("repaint"))
    ardour.lua(muting % "false")
    beyond = len(studio.song) + studio.samples(60)
    ardour.select("Song", beyond, beyond + studio.samples(2))
    assert "There is no audio" in studio.shown_by(lambda: ardour.run("extract"))
    assert "no audio" in studio.shown_by(lambda: ardour.run("continue"))
    studio.set_up(key="H sharp")
    ardour.select("Song", start, end)
    assert "key" in studio.shown_by(lambda: ardour.run("repaint"))
    assert studio.notes()["jobs"] == {}
    assert ardour.markers() == []


@at_48_khz
def test_takes_come_into_a_session_that_was_closed_meanwhile(studio: Studio) -> None:
    ardour = studio.ardour
    before = len(studio.notes()["takes"])
    start = studio.samples(9)
    studio.ask("repaint", "Song", start, studio.samples(11), takes=2)
    ardour.wait_for(ardour.markers, "a marker")
    ardour.save()
    ardour.stop()
    assert studio.notes()["jobs"] != {}
    ardour.start()
    studio.wait_for_takes(before)
    assert [studio.region(take).position for take in studio.notes()["takes"][before:]] == [start, start]


@at_48_khz
def test_a_server_killed_while_waiting_is_noticed_and_loses_nothing(studio: Studio) -> None:
    ardour = studio.ardour
    before = len(studio.notes()["takes"])
    start, end = studio.samples(9), studio.samples(12)
    studio.ask("repaint", "Song", start, end, takes=3)
    ardour.wait_for(lambda: any(" %" in name for name in ardour.markers()), "progress")
    studio.server.kill()
    shown = studio.shown_by(lambda: None)
    assert "The Takebridge server stopped during repaint" in shown
    assert "takebridge serve" in shown
    assert "server stopped" in ardour.markers()[0]
    assert ardour.playlist("Song") == "Song"
    studio.server.start()
    studio.wait_for_takes(before)
    takes = studio.notes()["takes"][before:]
    assert [studio.region(take).position for take in takes] == [start] * 3


@at_48_khz
def test_a_server_that_does_not_run_is_reported_with_how_to_start_it(studio: Studio) -> None:
    ardour = studio.ardour
    studio.server.kill()
    shown = studio.shown_by(lambda: studio.ask("repaint", "Song", studio.samples(9), studio.samples(11)))
    assert "The Takebridge server is not responding" in shown
    assert "takebridge serve" in shown
    assert list((studio.server.store / "mailbox" / "in").iterdir()) == [], "it must not be done unasked later"
    assert ardour.markers() == []
    studio.server.start().stop()
    shown = studio.shown_by(lambda: ardour.run("repaint"))
    assert "The Takebridge server is not running" in shown
    assert "takebridge serve" in shown
    studio.server.start()
