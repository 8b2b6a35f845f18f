"""The Remote Script for Ableton Live, in a strict double of Live's API, against the real server over real UDP."""

from __future__ import annotations

import importlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage

from daw_protocol.timeline import TempoMap
from tests.bridge_server.peers import PATIENCE, ServerProcess, ServerThread, band_song, datagram, free_port
from tests.bridge_server.servers import server_fixture
from tests.examples.facts import assert_guesses_are_listed
from tests.examples.live_double import LiveSet, audio_clip, midi_clip, new_track, script_modules
from tests.places import EXAMPLES

RATE = 44100
BARS = 8
TICK = 0.01  # Live's own is 0.1 seconds; nothing in the script counts ticks


server = server_fixture(
    (band_song, "band.wav"), songs_folder="My Project", engine="sketch"
)  # where the set lies


class Rig:
    """Live with our script in it, and a producer."""

    def __init__(self, live: LiveSet, surface: Any, port: int) -> None:
        self.live = live
        self.surface = surface
        self.port = port
        self.messages = live.instance.messages

    def tick(self) -> None:
        self.surface.update_display()
        time.sleep(TICK)

    def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Ticks until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} never came; shown: {self.messages}"
            assert not any("Traceback" in line for line in self.live.instance.log), self.live.instance.log[-1]
            self.tick()
        return found

    def shown(self, words: str) -> str:
        """Ticks until the status line has shown these words, and once more: Live knows lengths a tick later."""
        found: str = self.until(lambda: next((text for text in self.messages if words in text), ""), words)
        self.tick()
        return found

    def press(self, action: str, **values: Any) -> None:
        self.surface.perform(action, values, None)

    def pad(self, note: int, velocity: int = 100, channel: int = 15) -> None:
        self.surface.receive_midi((0x90 | channel, note, velocity))

    def unchanged(self) -> bool:
        return not self.live.world.undo_steps


@pytest.fixture
def open_live(server: ServerThread, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Opens Live with a set and the script: `open_live(tempo=127.3, settings={...}, version=(12, 0, 0))`."""
    with ExitStack() as stack:
        stack.enter_context(script_modules())
        made = importlib.import_module("Takebridge.surface")

        def start(
            *,
            settings: dict[str, Any] | None = None,
            bridge_port: int | None = None,
            sample: Path | None = None,
            clock: Callable[[], float] = time.monotonic,
            **set_values: Any,
        ) -> Rig:
            folder = server.settings.roots[0]
            live = LiveSet(folder, sample or folder / "band.wav", **set_values)
            port = free_port()
            chosen = {
                "bridge_port": bridge_port or server.settings.osc_port,
                "listen_port": port,
                "request": {"takes": 2, "seed": 7},
                **(settings or {}),
            }
            file = tmp_path / "settings.json"
            file.write_text(json.dumps(chosen))
            surface = made.Takebridge(live.instance, settings_file=str(file), clock=clock)
            stack.callback(surface.disconnect)
            return Rig(live, surface, port)

        yield start
        shutil.rmtree(server.settings.roots[0] / "Samples", ignore_errors=True)


def lane_clips(rig: Rig) -> list[Any]:
    return [clip for lane in rig.live.track.take_lanes for clip in lane.arrangement_clips]


def receipts(server: ServerThread) -> dict[int, Any]:
    """Receipts of the newest job's takes, by number."""
    takes = server.takes()
    return {take.number: take for take in takes if take.job == takes[0].job}


# The producer's way


def test_a_clip_is_repainted_into_take_lanes(server, open_live):
    """Plain selection: the brace over bars 3 and 4 of a clip at the start of the song, at 120 BPM."""
    rig = open_live()
    rig.live.brace(8.0, 8.0)
    before = values_of(rig.live)
    rig.press("repaint")
    line = rig.shown("take lanes")
    assert "2 takes" in line
    clips = lane_clips(rig)
    assert [clip.start_time for clip in clips] == [8.0, 8.0]
    assert [clip.end_time for clip in clips] == [16.0, 16.0]
    assert not any(clip.warping for clip in clips)
    assert [clip.name for clip in clips] == ["Repaint 1", "Repaint 2"]
    assert [lane.name for lane in rig.live.track.take_lanes] == ["Repaint 1", "Repaint 2"]
    for number, take in receipts(server).items():
        clip = clips[number - 1]
        assert Fraction(clip.start_time) * RATE / 2 == take.position == 4 * RATE
        sound, rate = soundfile.read(clip.file_path)
        assert (len(sound), rate) == (take.length, RATE) == (4 * RATE, RATE)
        assert Path(clip.file_path).parent == server.settings.roots[0] / "Samples" / "Takebridge"
    first, second = (soundfile.read(clip.file_path)[0] for clip in clips)
    assert not np.array_equal(first, second)
    # The original is as it was, and one undo takes everything back.
    assert values_of(rig.live)["clip"] == before["clip"]
    assert len(rig.live.world.undo_steps) == 1
    rig.live.song.undo()
    assert values_of(rig.live) == before


def values_of(live: LiveSet) -> dict[str, Any]:
    """The parts of a set a producer would miss."""
    return {
        "clip": dict(live.clip._values),
        "track": {**live.track._values, "take_lanes": list(live.track._values["take_lanes"])},
        "tracks": list(live.song._values["tracks"]),
    }


def test_without_a_brace_the_whole_clip_is_meant(server, open_live):
    rig = open_live()
    rig.live.trim(8.0, 4.0, 7.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    (clip,) = lane_clips(rig)
    assert (clip.start_time, clip.end_time) == (8.0, 14.0)
    (take,) = receipts(server).values()
    assert (take.position, take.start, take.length) == (4 * RATE, 4 * RATE, 3 * RATE)


@pytest.mark.parametrize("tempo", [127.3, 127.30000305175781, 90.0, 174.25])
def test_a_trimmed_clip_between_samples_keeps_its_takes_on_its_own_samples(server, open_live, tempo):
    """The clip starts in the file and off the grid; each take starts where Live plays that very sample of the file."""
    rig = open_live(tempo=tempo)
    clip = rig.live.clip
    clip._values.update(
        start_time=5.37, loop_start=1.25, start_marker=0.0
    )  # the left edge was trimmed by 1.25 s
    rig.live.brace(9.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    (made,) = lane_clips(rig)
    (take,) = receipts(server).values()
    exact_tempo = Fraction("127.3") if round(tempo, 3) == 127.3 else Fraction(tempo)
    beat = Fraction(60 * RATE) / exact_tempo
    # As the bridge itself rounds a beat, and back again to the same sample.
    region = TempoMap.constant(exact_tempo).sample_at(Fraction(9), RATE)
    assert take.position == region
    assert round(Fraction(made.start_time) * beat) == take.position
    # To less than a thousandth of a sample: the file sample under the take's first one.
    file_sample = take.position - (round(Fraction(5.37) * beat) - int(1.25 * RATE))
    in_clip = (Fraction(made.start_time) - Fraction(5.37)) * beat + int(1.25 * RATE)
    assert abs(in_clip - file_sample) < Fraction(1, 1000)
    song, _ = soundfile.read(clip.file_path)
    assert take.start == file_sample
    assert np.array_equal(song[file_sample], song[take.start])


def test_a_straight_warp_is_no_warp(server, open_live):
    """What Live records is warped on one line at the set's tempo: it sounds as its file does."""
    rig = open_live()
    rig.live.warp_straight(rig.live.clip)
    rig.live.brace(4.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    (clip,) = lane_clips(rig)
    assert (clip.start_time, clip.end_time, clip.warping) == (4.0, 8.0, False)
    assert receipts(server)[1].position == 2 * RATE


def test_the_brace_picks_the_clip_of_the_selected_track(open_live):
    rig = open_live()
    rig.live.select(None)
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    assert [clip.start_time for clip in lane_clips(rig)] == [0.0]


def test_a_brace_beyond_the_clip_is_cut_to_it_and_said(open_live):
    rig = open_live()
    rig.live.brace(28.0, 16.0)
    rig.press("repaint", takes=1)
    assert "only the part inside it is used" in rig.shown("take lanes")
    (clip,) = lane_clips(rig)
    assert (clip.start_time, clip.end_time) == (28.0, 32.0)


def test_the_song_goes_on_after_the_clip(server, open_live):
    rig = open_live()
    rig.press("complete", takes=1, length="2 bars")
    rig.shown("take lanes")
    (clip,) = lane_clips(rig)
    assert (clip.start_time, clip.end_time) == (32.0, 40.0)


def test_stems_become_tracks_of_their_own(server, open_live):
    rig = open_live()
    rig.live.brace(0.0, 8.0)
    rig.press("extract", stems="vocals,drums")
    rig.shown("new tracks below Band")
    tracks = rig.live.song.tracks
    assert tracks[0] == rig.live.track
    assert tracks[-1].name == "Keys"
    new = tracks[1:-1]
    assert {track.name for track in new} >= {"Extract 1 vocals", "Extract 1 drums"}
    assert not any(track.mute for track in new)
    total = sum(soundfile.read(track.arrangement_clips[0].file_path)[0] for track in new)
    song, _ = soundfile.read(rig.live.clip.file_path)
    assert np.allclose(total, song[: 4 * RATE], atol=2e-4)
    assert len(rig.live.world.undo_steps) == 1


def test_scale_and_meter_go_along(server, open_live):
    rig = open_live()
    rig.live.brace(0.0, 6.0)
    rig.live.song._values.update(scale_mode=True, root_note=6, scale_name="Minor", signature_numerator=3)
    rig.press("repaint", takes=1, prompt="warm strings")
    rig.shown("take lanes")
    (take,) = receipts(server).values()
    assert (take.request["key"], take.request["meter"]) == ("F# minor", "3/4")
    assert take.request["prompt"] == "warm strings"
    assert take.request["track"] == "Band"


def test_a_scale_that_is_switched_off_is_not_sent(server, open_live):
    rig = open_live()
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    assert "key" not in receipts(server)[1].request


def test_a_live_that_does_not_know_where_the_set_lies(server, open_live):
    """The takes stay in the bridge's store, and the set counts as saved."""
    rig = open_live()
    rig.live.world.hidden |= {"file_path", "scale_mode"}
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    (clip,) = lane_clips(rig)
    assert Path(clip.file_path).is_relative_to(server.settings.store)
    assert "key" not in receipts(server)[1].request


def test_with_the_arrangement_in_front_its_brace_is_meant(server, open_live):
    rig = open_live()
    live = rig.live
    slot = live.track.clip_slots[0]
    slot._values["clip"] = clip = audio_clip(live.world, live.song, slot, live.clip.file_path, None)
    live.select(clip)
    live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    assert [one.start_time for one in lane_clips(rig)] == [0.0]


def test_copies_of_the_track_can_be_switched(server, open_live):
    """place: tracks. The takes sound instead of the original, one at a time; compare goes back and forth."""
    rig = open_live(settings={"place": "tracks"})
    rig.live.brace(8.0, 4.0)
    rig.press("repaint")
    rig.shown("on copies of Band")
    original, first, second, keys = rig.live.song.tracks
    assert (original, keys.name) == (rig.live.track, "Keys")
    assert [track.mute for track in (original, first, second)] == [True, False, True]
    assert first.name == "Band - Repaint 1"
    for copy in (first, second):
        assert [clip.start_time for clip in copy.arrangement_clips] == [8.0], "made where nothing lies"
    assert [(clip.start_time, clip.end_time) for clip in original.arrangement_clips] == [(0.0, 32.0)]
    assert len(rig.live.world.undo_steps) == 1
    rig.press("next")
    assert [track.mute for track in (original, first, second)] == [True, True, False]
    rig.press("compare")
    assert [track.mute for track in (original, first, second)] == [False, True, True]
    rig.press("compare")
    assert [track.mute for track in (original, first, second)] == [True, False, True]


def test_lanes_are_stepped_through_on_a_copy_of_the_track(open_live):
    """Scripts cannot choose a lane; `next` copies its clip to an empty copy of the track."""
    rig = open_live()
    rig.live.brace(8.0, 4.0)
    rig.press("repaint")
    rig.shown("take lanes")
    song, original = rig.live.song, rig.live.track
    heard = []
    for _ in range(3):
        rig.press("next")
        stage = song.tracks[1]
        heard.append([(clip.name, clip.start_time, clip.warping) for clip in stage.arrangement_clips])
        assert (original.mute, stage.mute) == (True, False)
    assert heard == [[("Repaint 1", 8.0, False)], [("Repaint 2", 8.0, False)], [("Repaint 1", 8.0, False)]]
    assert [track.name for track in song.tracks] == ["Band", "Band - takes", "Keys"]
    rig.press("compare")
    assert (original.mute, stage.mute) == (False, True)
    assert [(clip.start_time, clip.end_time) for clip in original.arrangement_clips] == [(0.0, 32.0)]
    assert [clip.name for clip in lane_clips(rig)] == ["Repaint 1", "Repaint 2"]
    assert len(rig.live.world.undo_steps) == 1 + 3 + 2, "a step each; compare switches two mutes"


def test_switching_takes_in_slots_is_refused(open_live):
    rig = open_live(settings={"place": "slots"})
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("Session slots")
    for action in ("next", "compare"):
        rig.press(action)
        assert "with the mouse" in rig.messages[-1]


def test_a_clip_that_live_leaves_too_long_is_told(open_live):
    """Its length is known only on the tick after the warping was switched off."""
    rig = open_live()
    rig.live.brace(8.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")
    rig.tick()
    assert not any("instead of" in text for text in rig.messages)
    rig.press("place")
    clip = lane_clips(rig)[-1]
    clip._values["length_beats"] = 8.0
    assert "Repaint 1 lasts 8.00 beats in Live instead of 4.00" in rig.shown("instead of")


@pytest.mark.parametrize("ending", ["mp3", "m4a"])
def test_a_clip_of_padded_music_is_refused_with_the_reason(open_live, tmp_path, ending):
    rig = open_live()
    file = tmp_path / f"song.{ending}"
    file.write_bytes(b"music")
    rig.live.clip._values["file_path"] = str(file)
    rig.press("repaint")
    assert "Live starts such files at another place" in rig.messages[-1]
    assert "Consolidate" in rig.messages[-1]


def test_the_double_cuts_what_a_clip_is_made_over(open_live):
    """As Live is reported to: the first one ends where the second begins, and the rest is gone."""
    rig = open_live()
    path = rig.live.clip.file_path
    rig.live.track.create_audio_clip(path, 8.0)
    first, _ = rig.live.track.arrangement_clips
    assert (first.start_time, first.end_time) == (0.0, 8.0)


def test_each_guess_about_live_is_in_its_readme():
    """The rows that nobody has measured or documented are told to the people who install the script."""
    assert_guesses_are_listed(Path(__file__).with_name("live_facts.md"), EXAMPLES / "ableton" / "README.md")


def test_a_session_clip_gets_its_takes_in_free_slots(server, open_live):
    rig = open_live()
    live = rig.live
    slot = live.track.clip_slots[0]
    slot._values["clip"] = clip = audio_clip(live.world, live.song, slot, live.clip.file_path, None)
    live.warp_straight(clip)
    clip._values.update(looping=True, loop_start=4.0, loop_end=8.0, start_marker=4.0)
    live.select(clip)
    live.show_session()
    live.brace(0.0, 4.0)  # of the Arrangement, which is not meant
    rig.press("repaint")
    rig.shown("Session slots")
    assert {take.start for take in receipts(server).values()} == {2 * RATE}
    slots = live.track.clip_slots
    assert len(slots) == 3, "a scene was added for the second take"
    assert slots[0].clip is clip
    assert [one.clip.name for one in slots[1:]] == ["Repaint 1", "Repaint 2"]


def test_muted_clip_on_a_muted_track_with_gain(server, open_live):
    rig = open_live()
    rig.live.clip._values.update(muted=True, gain=0.2)
    rig.live.track._values["mute"] = True
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    line = rig.shown("take lanes")
    assert "The clip is muted." in line
    assert "The track is muted." in line
    assert "-6.0 dB" in line
    (clip,) = lane_clips(rig)
    assert clip.gain == 0.2
    assert not clip.muted
    assert rig.live.clip.muted


# What is refused, before anything is asked or changed

REFUSALS = {
    "nothing selected": (lambda live: live.select(None), "Nothing is selected", "Click an audio clip"),
    "empty brace": (lambda live: live.brace(4.0, 0.0), "loop brace is empty", "Drag it"),
    "brace beside the clip": (lambda live: live.brace(64.0, 4.0), "no audio under the loop brace", "switch Loop off"),
    "unsaved set": (lambda live: live.song._values.update(file_path=""), "has not been saved", "Save it first"),
    "missing sample": (
        lambda live: live.clip._values.update(file_path="/nowhere/x.wav"), "missing on disk", "Locate",
    ),
    "transposed": (lambda live: live.clip._values.update(pitch_coarse=2), "transposed", "Pitch to 0"),
    "recording": (lambda live: live.clip._values.update(is_recording=True), "being recorded", "Stop"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refused_with_a_remedy(open_live, case):
    rig = open_live()
    change, sentence, remedy = REFUSALS[case]
    change(rig.live)
    rig.press("repaint")
    assert sentence in rig.messages[-1]
    assert remedy in rig.messages[-1]
    assert not rig.surface._link.pending
    assert rig.unchanged()


def test_a_stretched_clip_is_refused(open_live):
    rig = open_live()
    rig.live.warp_straight(rig.live.clip)
    rig.live.song._values["tempo"] = 121.0
    rig.press("repaint")
    assert "The clip is warped" in rig.messages[-1]
    assert "Switch its Warp off" in rig.messages[-1]


def test_a_clip_bent_by_one_warp_marker_is_refused(open_live):
    rig = open_live()
    rig.live.warp_straight(rig.live.clip)
    rig.live.clip._values["warp_markers"][1]._values["sample_time"] += 0.001
    rig.press("repaint")
    assert "The clip is warped" in rig.messages[-1]


def test_a_repeating_loop_is_refused(open_live):
    rig = open_live()
    rig.live.warp_straight(rig.live.clip)
    rig.live.clip._values.update(looping=True, loop_end=8.0)
    rig.press("repaint")
    assert "repeats its loop" in rig.messages[-1]


def test_a_midi_clip_and_two_clips_are_refused(open_live):
    rig = open_live()
    live = rig.live
    live.select(midi_clip(live.world, live.song, live.track, 0.0, 4.0))
    rig.press("repaint")
    assert "MIDI clip" in rig.messages[-1]
    live.select(None)
    live.track._values["arrangement_clips"].append(
        audio_clip(live.world, live.song, live.track, live.clip.file_path, 32.0)
    )
    live.brace(30.0, 4.0)
    rig.press("repaint")
    assert "covers 2 clips" in rig.messages[-1]


# Tempo automation: Live tells that there is some, and nothing more


def test_a_tempo_change_over_the_clip_is_refused(open_live):
    """120 BPM at the playhead, but the clip's beats and seconds say that it runs at another tempo."""
    rig = open_live()
    rig.live.tempo_parameter._values["automation_state"] = 1
    rig.live.clip._values["length_beats"] = 30.0  # 16 seconds
    rig.press("repaint")
    assert "120 BPM at the playhead and 112.50 BPM on average" in rig.messages[-1]
    assert "Split the clip" in rig.messages[-1]
    assert rig.unchanged()


def test_automation_elsewhere_is_reported(open_live):
    rig = open_live()
    rig.live.tempo_parameter._values["automation_state"] = 1
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    assert "The tempo is automated; 120 BPM is assumed" in rig.shown("take lanes")


def test_automation_and_a_warped_clip_are_refused(open_live):
    rig = open_live()
    rig.live.warp_straight(rig.live.clip)
    rig.live.tempo_parameter._values["automation_state"] = 1
    rig.press("repaint")
    assert "scripts cannot read the automation" in rig.messages[-1]


def test_a_tempo_changed_while_rendering_waits_for_the_producer(open_live):
    rig = open_live()
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.live.song._values["tempo"] = 90.0
    assert "made at 120 BPM, but the tempo is now 90" in rig.shown("made at 120 BPM")
    assert rig.unchanged()
    rig.live.song._values["tempo"] = 120.0
    rig.press("place")
    assert "take lanes" in rig.messages[-1]
    assert len(lane_clips(rig)) == 1


# What older or busier Lives cannot do


def test_live_without_take_lanes_copies_the_track(open_live):
    rig = open_live(version=(12, 1, 0))
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("on copies of Band")
    assert len(rig.live.song.tracks) == 3


def test_live_that_cannot_create_clips_says_so_and_where_the_takes_are(open_live):
    rig = open_live(version=(12, 0, 0))
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    line = rig.shown("Live 12.0.5 or newer")
    path = line.rsplit(": ", 1)[1]
    assert soundfile.info(path).frames == 2 * RATE
    assert len(rig.live.song.tracks) == 2


def test_a_frozen_track_keeps_the_takes_until_it_is_unfrozen(open_live):
    rig = open_live()
    rig.live.track._values["is_frozen"] = True
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    assert "Unfreeze it" in rig.shown("frozen")
    rig.live.track._values["is_frozen"] = False
    rig.press("place")
    assert len(lane_clips(rig)) == 1


def test_an_undo_step_is_ended_even_when_live_refuses(open_live):
    rig = open_live()
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.until(lambda: rig.surface._link.pending)
    rig.live.track._values["audio"] = False
    assert "Live refused to place the takes" in rig.shown("Live refused")
    assert rig.live.world.depth == 0


# The server: not there, stopped, killed, not allowed


def test_no_server_says_how_to_start_one(open_live):
    now = [0.0]

    def clock() -> float:
        now[0] += 0.1
        return now[0]

    rig = open_live(bridge_port=free_port(), clock=clock)
    rig.press("repaint")
    assert "takebridge serve" in rig.shown("The server is not responding")
    assert any("no reply from the server yet" in text for text in rig.messages)
    assert not rig.surface._link.pending
    assert rig.unchanged()


def test_cancel(open_live):
    rig = open_live()
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", engine="slow")
    rig.shown("%")  # progress is shown
    rig.press("cancel")
    assert "Nothing was changed" in rig.shown("cancelled")
    assert rig.unchanged()
    rig.press("cancel")
    assert "Nothing is being rendered" in rig.messages[-1]


@pytest.mark.slow
def test_a_server_killed_while_rendering_goes_on_when_it_is_back(tmp_path, open_live):
    folder = tmp_path / "songs"
    folder.mkdir()
    sample = band_song(folder / "band.wav", bars=16)
    server = ServerProcess(tmp_path / "store", folder, free_port()).start()
    running = [server]
    try:
        rig = open_live(
            bridge_port=server.osc_port,
            sample=sample,
            settings={"request": {"takes": 4, "seed": 3}},
            clock=lambda: 6 * time.monotonic(),
        )
        rig.live.song._values["file_path"] = str(folder / "My Set.als")
        rig.live.brace(8.0, 16.0)
        rig.press("repaint")
        rig.shown("queued")
        server.kill()
        running.clear()
        assert "Start it again" in rig.shown("the server has stopped")
        server.start()
        running.append(server)
        rig.shown("the server is back")
        rig.shown("4 takes in take lanes")
        assert len(lane_clips(rig)) == 4
        assert len({clip.file_path for clip in lane_clips(rig)}) == 4
    finally:
        for one in running:
            one.stop()


def test_a_sample_outside_the_servers_folders_names_the_folder(open_live, tmp_path):
    rig = open_live(sample=band_song(tmp_path / "elsewhere.wav", bars=2))
    rig.press("repaint")
    assert f'takebridge serve --root "{tmp_path}"' in rig.shown("outside the folders")


def test_lost_takes_are_asked_for_again(open_live):
    """A datagram with a take is lost: at `done` one is missing, and the server sends all of them again."""
    rig = open_live()
    understand = rig.surface._link._understand
    lost: list[str] = []

    def lossy(name: str, id: str, values: dict[str, Any]) -> None:
        if name == "take" and not lost:
            lost.append(values["take"])
            return
        understand(name, id, values)

    rig.surface._link._understand = lossy
    rig.live.brace(0.0, 4.0)
    rig.press("repaint")
    rig.shown("2 takes in take lanes")
    assert lost


# Pads, surfaces, settings


def test_pads(open_live):
    rig = open_live()
    rig.surface.build_midi_map(rig.live.instance)
    assert rig.live.instance.forwarded == [(15, note) for note in range(10)]
    rig.live.brace(0.0, 4.0)
    rig.pad(0, velocity=0)
    rig.pad(0, channel=3)
    assert not rig.surface._link.pending
    rig.pad(0)
    rig.shown("take lanes")


class Surface:
    """A touch surface on this machine, with python-osc."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)

    def send(self, address: str, *arguments: Any) -> None:
        self._socket.sendto(datagram(address, *arguments), ("127.0.0.1", self._rig.port))

    def reply(self, name: str) -> dict[str, Any]:
        """Ticks until an answer of this name comes."""

        def receive() -> dict[str, Any] | None:
            try:
                message = OscMessage(self._socket.recv(65536))
            except BlockingIOError:
                return None
            if message.address != f"/ace/{name}":
                return None
            words = list(message.params)
            return {"": name, **dict(zip(words[::2], words[1::2], strict=True))}

        return self._rig.until(receive, name)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def touch() -> Iterator[Callable[[Rig], Surface]]:
    with ExitStack() as stack:

        def make(rig: Rig) -> Surface:
            surface = Surface(rig)
            stack.callback(surface.close)
            return surface

        yield make


def test_osc_from_a_surface(server, open_live, touch):
    rig = open_live()
    surface = touch(rig)
    rig.live.brace(0.0, 4.0)
    surface.send("/ace/set", "takes", 1)
    assert "takes 1" in surface.reply("ok")["text"]
    surface.send("/ace/repaint", "prompt", "brighter")
    assert surface.reply("asked")["id"].startswith("live-")
    assert surface.reply("done")["takes"] == 1
    assert receipts(server)[1].request["prompt"] == "brighter"
    surface.send("/ace/status")
    assert "sketch" in surface.reply("ok")["text"]
    surface.send("/ace/repaint", 1.0)  # a button that is pressed
    surface.reply("done")
    surface.send("/ace/repaint", 0.0)  # and let go
    surface.send("/ace/nonsense")
    assert "Available: repaint" in surface.reply("failed")["remedy"]
    surface.send("/ace/repaint", "start", 12)
    assert "read from the Live Set" in surface.reply("failed")["sentence"]
    surface.send("/ace/repaint", "takes")
    assert "pairs" in surface.reply("failed")["sentence"]
    surface.send("/ace/repaint", "takes", 99)
    assert "takes" in surface.reply("failed")["sentence"]


def test_rubbish_on_the_port_harms_nobody(open_live):
    rig = open_live()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"", b"\0", b"/ace/repaint\0\0\0\0,i\0\0", b"#bundle\0" + bytes(7), b"x" * 4000):
            sender.sendto(data, ("127.0.0.1", rig.port))
    rig.until(lambda: sum("Invalid OSC" in line for line in rig.live.instance.log) >= 4)


def test_a_second_live_says_that_its_port_is_taken(open_live):
    rig = open_live()
    other = open_live(settings={"listen_port": rig.port})
    assert "is in use" in other.messages[-1]
    other.live.brace(0.0, 4.0)
    other.press("repaint", takes=1)
    other.shown("take lanes")


def test_bad_settings_are_reported_and_harm_nothing(open_live):
    rig = open_live(settings={"midi_channel": 17, "place": "nowhere", "colour": 3, "notes": {"repaint": 200}})
    line = rig.messages[-1]
    for wrong in ("midi_channel must be 1 to 16", "place must be one of", "no setting 'colour'", "notes:"):
        assert wrong in line
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")


def test_a_bug_is_logged_and_the_tick_goes_on(open_live):
    rig = open_live()
    link = rig.surface._link
    poll, link.poll = link.poll, lambda: 1 / 0
    rig.tick()
    assert "Log.txt" in rig.messages[-1]
    assert any("ZeroDivisionError" in line for line in rig.live.instance.log)
    link.poll = poll
    rig.live.instance.log.clear()
    rig.live.brace(0.0, 4.0)
    rig.press("repaint", takes=1)
    rig.shown("take lanes")


# The folder itself


def test_the_folder_stands_alone(tmp_path):
    """Copied to Live's folder, it needs Python's standard library and Live's modules, nothing else of ours."""
    shutil.copytree(EXAMPLES / "ableton" / "Takebridge", tmp_path / "Takebridge")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import Takebridge, Takebridge.osc_codec, Takebridge.bridge_link, "
        "Takebridge.osc_input, Takebridge.selection, Takebridge.placement, Takebridge.settings, "
        "Takebridge.selftest, Takebridge.song_time; "
        "assert callable(Takebridge.create_instance); "
        "print([n for n in sys.modules if n.split('.')[0] not in sys.stdlib_module_names | {'Takebridge'}])"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() in ("[]", "['__main__']"), found.stdout


def test_live_creates_the_surface(server):
    with script_modules():
        live = LiveSet(server.settings.roots[0], server.settings.roots[0] / "band.wav")
        surface = importlib.import_module("Takebridge").create_instance(live.instance)
        try:
            assert live.instance.messages
        finally:
            surface.disconnect()
        assert not surface.connected


def test_the_double_is_strict(server):
    live = LiveSet(server.settings.roots[0], server.settings.roots[0] / "band.wav")
    with pytest.raises(AttributeError):
        live.clip.loudness  # noqa: B018
    with pytest.raises(AttributeError, match="can't set"):
        live.clip.end_time = 3.0
    with pytest.raises(TypeError):
        live.track.create_audio_clip("a.wav")
    with pytest.raises(TypeError):
        live.track.create_audio_clip(3, 1.0)
    with pytest.raises(ValueError, match="Invalid path"):
        live.track.create_audio_clip("/nowhere.wav", 1.0)
    assert not hasattr(new_track(live.world, live.song, "x"), "arm_everything")
