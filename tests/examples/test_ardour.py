"""The Ardour scripts in a real Ardour, with the real server: what is selected comes back in place, to the sample."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from daw_protocol.timeline import TempoMap
from tests.examples.ardour_rig import missing_programs
from tests.examples.ardour_studio import Studio, running_studio
from tests.examples.mutations import MUTATIONS, Mutation, mutated

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

SELF_TEST = "::test_the_self_test_finds_what_the_scripts_rely_on"


@pytest.fixture(scope="module")
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with running_studio(tmp_path_factory.mktemp("ardour"), request.param) as running:
        yield running


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
    original = [entry for entry in ardour.files.placed("Song") if entry.playlist == "Song"]
    assert [(entry.playing, entry.position, entry.length) for entry in original] == [
        (False, 0, len(studio.song))
    ]

    mix = ardour.files.export(["Song"], 0, len(studio.song))
    assert np.array_equal(mix[:start], studio.song[:start])
    assert np.array_equal(mix[end:], studio.song[end:])
    assert np.array_equal(mix[start:end], studio.clip(take["take"]))
    assert not np.array_equal(mix[start:end], studio.song[start:end])

    ardour.undo()
    ardour.save()
    assert np.array_equal(ardour.files.export(["Song"], 0, len(studio.song)), studio.song)
    ardour.redo()
    assert studio.region(take) == region


@at_both_rates
def test_a_selection_across_a_tempo_ramp_and_odd_meters_is_sent_with_them(studio: Studio) -> None:
    """From inside the ramp over a bar of 3/4 to the end of one of 7/8."""
    ardour = studio.ardour
    lines = ", ".join(at_quarter(quarter) for quarter in (70, 78.5))
    start, end = (int(sample) for sample in ardour.lua(f"say ({lines})")[0])
    (take,) = studio.takes("repaint", "Song", start, end)
    region = studio.region(take)
    assert (region.position, region.length) == (start, end - start)
    sent = TempoMap.from_json(studio.asked_server("takes.show", take=take["take"])["recipe"]["tempo_map"])
    quarters = [Fraction(number, 2) for number in range(158)]
    lines = ", ".join(at_quarter(quarter) for quarter in quarters)
    theirs = [int(sample) for sample in ardour.lua(f"say ({lines})")[0]]
    ours = [sent.sample_at(quarter, studio.rate) for quarter in quarters]
    assert np.abs(np.subtract(theirs, ours)).max() <= 1
    assert [str(sent.meter_at(Fraction(quarter))) for quarter in (71, 72, 74, 75)] == [
        "4/4",
        "3/4",
        "3/4",
        "7/8",
    ]
    # Bar and beat of one sample after each bar line, as Ardour shows them.
    bars = [Fraction(place) for place in ("72", "75", "78.5")]
    lines = ", ".join(
        f"Temporal.TempoMap.read ():bbt_at (Temporal.timepos_t ({at_quarter(bar)} + 1)):str ()"
        for bar in bars
    )
    assert ardour.lua(f"say ({lines})") == [[f"{sent.bar_at(bar)}|1|0" for bar in bars]]


def at_quarter(quarter: Fraction | float) -> str:
    """Lua for the sample of a quarter note."""
    return f"Temporal.timepos_t.from_ticks ({round(quarter * 1920)}):samples ()"


@at_48_khz
def test_ranges_on_two_tracks_are_one_request_and_undone_in_one_step(studio: Studio) -> None:
    ardour = studio.ardour
    studio.set_up(takes=2)
    spans = ardour.draw_ranges(2, (300, 318), (360, 376))
    assert ardour.selection() == (spans[0][0], spans[1][1])
    takes = studio.placed_by(lambda: ardour.run("repaint"))
    request = studio.request(takes[0]["request"])
    assert [(int(one["start"]), int(one["end"])) for one in request["regions"]] == spans
    assert [track["track"] for track in request["tracks"]] == ["Song", "Voice"]
    assert (request["mode"], request["takes"]) == ("together", 2)

    def playing() -> list[str]:
        return [ardour.playlist(track).removesuffix(" (warning)") for track in ("Song", "Voice")]

    # Each playlist has a take of every range, and the tracks play those that were made for each other.
    named = f"repaint {studio.notes()['count']}"
    first, second = ([f"{track} {named}.{number}" for track in ("Song", "Voice")] for number in (1, 2))
    assert playing() == first
    ardour.save()
    for name in (*first, *second):
        placed = [entry for entry in ardour.files.placed(name) if "(region " in entry.name]
        assert [(entry.position, entry.position + entry.length, entry.start) for entry in placed] == [
            (start, end, 0) for start, end in spans
        ]
        assert {entry.fades for entry in placed} == {(False, False)}
    mix = ardour.files.export(["Song"], 0, spans[1][1] + 1000)
    expected = studio.song[: len(mix)].copy()
    for take in takes:
        if studio.track(take) == "Song" and take["number"] == 1:
            start, end = spans[take["region"] - 1]
            expected[start:end] = studio.clip(take["take"])
    assert np.array_equal(mix, expected)

    received = []
    for script in ("next_take", "compare", "compare", "next_take"):
        ardour.run(script)
        received.append(playing())
    assert received == [second, ["Song", "Voice"], second, first]
    ardour.undo()
    ardour.save()
    assert [entry.name for entry in ardour.files.placed() if "(region " in entry.name] == []
    ardour.redo()
    ardour.save()
    assert len([entry for entry in ardour.files.placed() if "(region " in entry.name]) == len(takes) == 8


@at_48_khz
def test_tracks_are_repainted_each_by_itself_when_that_is_set(studio: Studio) -> None:
    """And one that is silent there is left out."""
    ardour = studio.ardour
    studio.set_up(mode="each")
    ((start, end),) = ardour.draw_ranges(3, (300, 400))
    ardour.run("repaint")
    ardour.wait_for(ardour.markers, "a marker")
    request = studio.request(studio.cancel())
    assert request.get("mode", "each") == "each"
    assert [track["track"] for track in request["tracks"]] == ["Song", "Voice"]
    assert 'Left out: There is no audio on "Tape"' in ardour.shown()
    assert (int(request["start"]), int(request["end"])) == (start, end)


@at_48_khz
def test_selected_regions_are_spans_that_touch_or_not(studio: Studio) -> None:
    ardour = studio.ardour
    studio.set_up()
    cuts = [studio.samples(seconds) for seconds in (5, 6, 7, 8)]
    ardour.lua(f"""
local playlist = Session:playlists ():by_name ("Song")
for _, cut in ipairs {{ {", ".join(map(str, cuts))} }} do
  for region in playlist:regions_at (Temporal.timepos_t (cut)):iter () do
    playlist:split_region (region, Temporal.timepos_t (cut))
  end
end""")
    names = [
        name
        for (name,) in ardour.lua(
            'for r in Session:playlists ():by_name ("Song"):region_list ():iter () do say (r:name ()) end'
        )
    ]
    assert len(names) == 5

    def selected(*indices: int) -> list[list[str]]:
        ardour.select_regions("Song", *(names[index] for index in indices))
        return ardour.lua("""
local need = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua") ()
local spans, tracks = need ("selection").read ()
for _, span in ipairs (spans) do say (span.start, span.stop, #tracks, tracks[1]:name ()) end""")

    def span(start: int, end: int) -> list[str]:
        return [str(start), str(end), "1", "Song"]

    assert selected(1, 3) == [span(cuts[0], cuts[1]), span(cuts[2], cuts[3])]
    assert selected(1, 2) == [span(cuts[0], cuts[2])]
    ardour.undo()


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
    assert [entry.name for entry in ardour.files.placed(names[0][:-1]) if entry.position == start] == []
    ardour.redo()
    assert [studio.region(take).position for take in takes] == [start] * 3


@at_48_khz
def test_a_continuation_starts_where_the_song_ends(studio: Studio) -> None:
    start = len(studio.song)
    end = start + studio.samples(4)
    (take,) = studio.takes("continue", "Song", start, end)
    region = studio.region(take)
    assert (region.position, region.length) == (start, end - start)
    mix = studio.ardour.files.export(["Song"], start - studio.rate, end)
    assert np.array_equal(mix[: studio.rate], studio.song[-studio.rate :])
    assert np.array_equal(mix[studio.rate :], studio.clip(take["take"]))


@at_48_khz
def test_a_backing_comes_on_a_track_of_its_own(studio: Studio) -> None:
    start, end = studio.samples(2.5), studio.samples(7)
    (take,) = studio.takes("accompany", "Voice", start, end, key="G", takes=1)
    region = studio.region(take)
    assert (region.position, region.length, region.playing) == (start, end - start, True)
    assert "Voice accompany" in studio.ardour.tracks()
    mix = studio.ardour.files.export(["Voice accompany"], start - 100, end + 100)
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
    total = studio.ardour.files.export([f"Song {stem}" for stem in stems], start, end)
    assert np.abs(total - studio.song[start:end]).max() < 1e-5


@at_48_khz
def test_takes_are_placed_while_the_transport_rolls(studio: Studio) -> None:
    """What the song plays meanwhile is recorded on another track: not a sample of it is lost."""
    ardour = studio.ardour
    studio.set_up()
    start, end = studio.samples(3), studio.samples(4.5)
    ardour.select("Song", start, end)
    began = studio.samples(12)
    ardour.record("Tape", began)
    (take,) = studio.placed_by(lambda: ardour.run("repaint"))
    rolling, *_ = ardour.lua("say (Session:transport_rolling (), Session:get_xrun_count ())")
    assert rolling == ["true", "0"]
    played = ardour.stop_recording("Tape")
    region = studio.region(take)
    assert (region.position, region.length, region.playing) == (start, end - start, True)
    assert len(played) > studio.rate
    # The transport fades in, and a recording is some samples early or late.
    middle = played[studio.rate // 2 : studio.rate]
    late = [
        shift
        for shift in range(-4096, 4097)
        if np.abs(studio.song[began + studio.rate // 2 + shift :][: len(middle)] - middle).max() < 1e-4
    ]
    assert len(late) == 1
    expected = studio.song[began + late[0] :][: len(played)]
    assert np.abs(played - expected)[studio.rate // 4 :].max() < 1e-6


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
def test_the_self_test_finds_what_the_scripts_rely_on(studio: Studio) -> None:
    saved = (studio.ardour.session / "session.ardour").read_bytes()
    shown = studio.shown_by(lambda: studio.ardour.run("selftest"))
    report = (studio.ardour.session / "takebridge_selftest.txt").read_text().splitlines()
    assert [line for line in report[1:] if not line.startswith(("OK ", "NOTE "))] == []
    assert len([line for line in report if line.startswith("OK ")]) == 12
    assert report[0].startswith("Takebridge self-test, ardour7, 48000 Hz")
    assert all(line in shown for line in report)
    assert (studio.ardour.session / "session.ardour").read_bytes() == saved, "saving is up to the producer"


@at_48_khz
@pytest.mark.parametrize(
    "fault", [one for one in MUTATIONS if one.test.endswith(SELF_TEST)], ids=lambda one: one.wrong
)
def test_the_self_test_reports_scripts_that_do_otherwise(studio: Studio, fault: Mutation) -> None:
    """Faults of the table, put into the scripts of the running Ardour; actions read theirs at each press."""
    fault = replace(fault, file=fault.file.removeprefix("ardour/"))
    with mutated(studio.ardour.installed, fault):
        studio.shown_by(lambda: studio.ardour.run("selftest"))
    report = (studio.ardour.session / "takebridge_selftest.txt").read_text()
    assert "\nWRONG " in report


@at_48_khz
def test_settings_are_kept_with_the_session(studio: Studio) -> None:
    studio.set_up(prompt="warm", takes=2, strength=0.25, mode="each")
    studio.ardour.run("settings")
    studio.ardour.confirm_window()
    expected = {"prompt": "warm", "takes": 2, "strength": 0.25, "key": "", "stems": "", "mode": "each"}
    studio.ardour.wait_for(lambda: studio.notes()["settings"] == expected, "settings")


@at_48_khz
def test_what_was_asked_long_ago_is_given_up(studio: Studio) -> None:
    notes = studio.notes()
    job = {
        "name": "ardour-old",
        "task": "repaint",
        "number": 99,
        "start": 0,
        "stop": 48000,
        "asked": 1,
        "tracks": [],
    }
    notes["jobs"] = {"ardour-old": job}
    (studio.ardour.session / "takebridge.json").write_text(json.dumps(notes))
    studio.ardour.wait_for(lambda: not studio.notes()["jobs"], "the end of the job")
    assert studio.ardour.markers() == []
    assert "repaint 99: its reply was deleted" in studio.ardour.shown()


@at_48_khz
def test_a_request_stays_with_the_mailbox_it_was_sent_to(studio: Studio, tmp_path: Path) -> None:
    """Its server has its store elsewhere and has stopped; another one runs."""
    ardour, notes = studio.ardour, studio.notes()
    mailbox = tmp_path / "elsewhere" / "mailbox"
    job = {
        "name": "ardour-elsewhere",
        "task": "repaint",
        "number": 98,
        "start": 0,
        "stop": 48000,
        "asked": time.time(),
        "tracks": [],
        "mailbox": str(mailbox),
    }
    notes["jobs"] = {"ardour-broken": {"name": "ardour-broken"}, "ardour-elsewhere": job}
    (ardour.session / "takebridge.json").write_text(json.dumps(notes))
    assert "server stopped during repaint 98" in studio.shown_by(lambda: None)
    (mailbox / "out").mkdir(parents=True)
    answer = {"method": "cancelled", "params": {"reason": "found where it was asked"}}
    (mailbox / "out" / "ardour-elsewhere.jsonl").write_text(json.dumps(answer) + "\n")
    ardour.wait_for(lambda: list(studio.notes()["jobs"]) == ["ardour-broken"], "the end of the job")
    assert "found where it was asked" in ardour.shown()
    assert ardour.markers() == []
    studio.set_up()
    notes = studio.notes()
    notes["jobs"] = {}
    (ardour.session / "takebridge.json").write_text(json.dumps(notes))


@at_48_khz
@pytest.mark.parametrize("name", ["가" * 50, '"a" \\ 100 % %s 🎸 ' + "x" * 160])
def test_a_track_may_have_any_name(studio: Studio, name: str) -> None:
    ardour = studio.ardour
    renamed = "Session:route_by_name ([[%s]]):set_name ([[%s]])"
    ardour.lua(renamed % ("Voice", name))
    try:
        start, end = studio.samples(3), studio.samples(5)
        (take,) = studio.takes("accompany", name, start, end, takes=1)
        assert studio.region(take).position == start
    finally:
        ardour.lua(renamed % (name, "Voice"))


@at_48_khz
def test_an_impossible_request_is_refused_with_a_remedy(studio: Studio) -> None:
    ardour = studio.ardour
    studio.set_up()
    ardour.lua("Editor:get_selection ():clear_all ()")
    assert "Select a range on an audio track first" in studio.shown_by(lambda: ardour.run("repaint"))
    ardour.draw_ranges(1, (300, 318), (360, 376))
    assert "one place at a time" in studio.shown_by(lambda: ardour.run("continue"))
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
def test_a_server_killed_while_waiting_is_reported_with_how_to_start_it_and_loses_nothing(
    studio: Studio,
) -> None:
    ardour = studio.ardour
    before = len(studio.notes()["takes"])
    start, end = studio.samples(9), studio.samples(12)
    studio.ask("repaint", "Song", start, end, takes=3)
    ardour.wait_for(lambda: any(" %" in name for name in ardour.markers()), "progress")
    studio.server.kill()
    shown = studio.shown_by(lambda: None)
    assert "The Takebridge server stopped during repaint" in shown
    assert "takebridge serve" in shown
    (marked,) = ardour.markers()
    assert "server stopped" in marked
    assert ardour.playlist("Song") == "Song"
    # It looks as if it ran; nobody takes what is asked of it now.
    shown = studio.shown_by(lambda: ardour.run("repaint"))
    assert "The Takebridge server is not responding" in shown
    assert "takebridge serve" in shown
    assert list((studio.server.store / "mailbox" / "in").iterdir()) == [], "it must not be done unasked later"
    assert ardour.markers() == [marked]
    (studio.server.store / "server.json").unlink()  # as a server leaves its store that was stopped
    shown = studio.shown_by(lambda: ardour.run("repaint"))
    assert "The Takebridge server is not running" in shown
    assert "takebridge serve" in shown
    studio.server.start()
    studio.wait_for_takes(before)
    takes = studio.notes()["takes"][before:]
    assert [studio.region(take).position for take in takes] == [start] * 3
