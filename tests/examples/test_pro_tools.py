"""The commands for Pro Tools by a strict double of its scripting interface, a real server and engine."""

from __future__ import annotations

import _thread
import importlib.util
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from examples.pro_tools import clip_rows, render
from examples.pro_tools.bridge import Bridge
from examples.pro_tools.command import INTERRUPTED, main
from examples.pro_tools.link import connected, in_words, patiently
from examples.pro_tools.placing import new_file
from examples.pro_tools.problem import Problem
from examples.pro_tools.session import samples
from examples.pro_tools.tempo import tempo_fields
from tests.bridge_server.peers import band_song, free_port
from tests.bridge_server.servers import server_fixture
from tests.daw_protocol.timeline.midi_bytes import meter, midi, tempo, track
from tests.examples.facts import assert_guesses_are_listed
from tests.places import EXAMPLES

MISSING = importlib.util.find_spec("ptsl") is None
pytestmark = pytest.mark.skipif(
    MISSING, reason="SKIPPED: py-ptsl is missing; pip install 'takebridge[protools]'"
)
if not MISSING:
    from tests.examples.pro_tools_double import ProTools, Refused, pt, served
    from tests.examples.pro_tools_session import Session

RATE = 44_100
START, END = 5 * RATE + 123, 7 * RATE + 456  # on no beat


server = server_fixture((band_song, "song.wav"), engine="sketch")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(render, "POLL_SECONDS", 0.02)


@pytest.fixture
def opened(tmp_path):
    """A session with a stereo track that plays the band's song from sample 0, its middle selected."""
    session = Session(tmp_path, rate=RATE)
    (tmp_path / "Audio Files").mkdir()
    band = session.add_track("Band (live)")
    session.spot(session.import_file(band_song(tmp_path / "Audio Files" / "band.wav")), band, 0)
    band.edit_selected, band.gain = True, 0.5
    session.select(START, END)
    return session


@pytest.fixture
def pro_tools(opened):
    double = ProTools(opened)
    with served(double) as address:
        double.address = address
        yield double


def ask(server, double, *words: str) -> int:
    port = str(server.settings.websocket_port)
    return main([*words, "--pro-tools", double.address, "--port", port])


def as_it_was(session: Session) -> list[object]:
    """All that must be the same afterwards; new tracks aside."""
    first = session.tracks[0]
    clips = [(clip.channel.id, clip.position, clip.end) for clip in first.clips]
    return [first.name, first.muted, first.gain, clips, session.timeline, session.edit]


def test_takes_are_on_new_tracks_on_their_sample(server, pro_tools, capsys):
    session = pro_tools.session
    before, song = as_it_was(session), session.tracks[0].sound(0, 16 * RATE, fader=False)
    assert ask(server, pro_tools, "repaint", "--takes", "2", "--bpm", "120", "--seed", "7") == 0
    assert as_it_was(session) == before
    _, *new = session.tracks
    assert [track.name for track in new] == ["Repaint 1", "Repaint 2"]
    for one in new:
        assert {(clip.position, clip.end) for clip in one.clips} == {(START, END)}
        assert [clip.lane for clip in one.clips] == [0, 1]
        assert one.muted
        # The take begins and ends with the song: its crossfades are in it.
        sound = one.sound(START, END, fader=False)
        assert np.allclose(sound[[0, -1]], song[[START, END - 1]], atol=2e-3)
        assert not np.array_equal(sound, song[START:END])
    said = capsys.readouterr().out
    assert "100%" in said or "queued" in said
    assert f"Repaint 1: at sample {START}, {END - START} long" in said
    assert "delete the new tracks ('Repaint 1', 'Repaint 2')" in said
    kept = sorted(path.name for path in (session.folder / "Audio Files").iterdir())
    assert len(kept) == 3, "the takes lie in the session's own folder"
    assert len(session.bin) == 2 * 3, "nothing but the takes was imported, a clip a channel"
    assert {"Undo", "ConsolidateClip", "Import", "Cut", "Clear"}.isdisjoint(pro_tools.log)


def test_the_server_gets_what_the_track_plays_before_its_fader(server, pro_tools):
    assert ask(server, pro_tools, "repaint", "--takes", "1", "--tempo-map", str(_map(pro_tools))) == 0
    newest = server.takes()[0]
    assert [point["bpm"] for point in newest.recipe.tempo_map["points"]] == [120, 100]
    assert (newest.position, newest.length) == (START, END - START)
    song = server.on_loop(lambda: server.server.store.blobs.get(newest.parent))
    assert np.allclose(song.samples, pro_tools.session.tracks[0].sound(0, 16 * RATE, fader=False), atol=1e-6)


def _map(double) -> Path:
    path = double.session.folder / "map.mid"
    path.write_bytes(midi(track(tempo(120), meter(4, 2), tempo(100, delta=480 * 64))))
    return path


def test_a_session_at_96_khz(server, pro_tools, tmp_path):
    session = pro_tools.session
    session.rate, session.bits = 96_000, "Bit32Float"
    band = session.tracks[0]
    band.clips.clear()
    session.spot(session.import_file(band_song(tmp_path / "fast.wav", rate=96_000)), band, 0)
    session.select(200_001, 300_002)
    assert ask(server, pro_tools, "repaint", "--takes", "1") == 0
    assert {(clip.position, clip.end) for clip in session.tracks[1].clips} == {(200_001, 300_002)}


def test_mono_tracks_get_mono_takes_and_several_tracks_one_job(server, pro_tools, tmp_path):
    session = pro_tools.session
    voice, sung = session.add_track("Voice", channels=1), band_song(tmp_path / "voice.wav")
    mono, rate = soundfile.read(sung)
    soundfile.write(sung, mono[:, 0], rate)
    session.spot(session.import_file(sung), voice, 0)
    voice.edit_selected = True
    assert ask(server, pro_tools, "repaint", "--takes", "1") == 0
    assert [(one.name, one.channels) for one in session.tracks[2:]] == [
        ("Repaint 1 track 1", 2), ("Repaint 1 track 2", 1),
    ]  # fmt: skip
    assert pro_tools.log.count("BounceTrack") == 2


def test_a_continuation_ends_the_song_where_the_selection_begins(server, pro_tools):
    assert ask(server, pro_tools, "complete", "--takes", "1", "--bpm", "120") == 0
    newest = server.takes()[0]
    song = server.on_loop(lambda: server.server.store.blobs.get(newest.parent))
    assert len(song.samples) == START
    assert {clip.position for clip in pro_tools.session.tracks[1].clips} == {START}
    pro_tools.session.select(0, END)
    assert ask(server, pro_tools, "complete") == 1


def _no_session(double):
    double.session = None


def _nothing_selected(double):
    double.session.select(START, START)


def _no_track(double):
    double.session.tracks[0].edit_selected = False


def _of_kind(kind):
    def change(double):
        double.session.tracks[0].kind = kind

    return change


def _rolling(double):
    double.session.transport = "TS_TransportPlaying"


def _old(double):
    double.version = (2024, 10, 0)


def _oldest(double):
    double.version = (5, 0, 0)


def _silent(double):
    double.session.tracks[0].clips.clear()


def _refusing(name, words):
    def refuse(_):
        raise Refused(name, words)

    def change(double):
        double.spoil["BounceTrack"] = refuse

    return change


def _short(double):
    def spoil(_):
        double.session.timeline = (double.session.timeline[0] + 1, double.session.timeline[1])

    double.spoil["BounceTrack"] = spoil


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_no_session, "No session is open"), (_nothing_selected, "Nothing is selected"),
        (_no_track, "No track is selected"), (_of_kind("Midi"), "Select the instrument track"),
        (_of_kind("Video"), "is a video track"), (_of_kind("Vca"), "is a VCA"), (_of_kind("Master"), "master fader"),
        (_rolling, "Stop it"), (_old, "2024.10"), (_oldest, "before 2025"), (_silent, "is silent"),
        (_refusing("PT_UnsupportedCommand", ""), "2025.6 or newer"),
        (_refusing("PT_CannotBeDone", "Disk full."), "Disk full."),
        (_short, "instead of"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_changes_nothing(server, pro_tools, capsys, change, words):
    change(pro_tools)
    session = pro_tools.session
    before = as_it_was(session) if session else None
    assert ask(server, pro_tools, "repaint") == 1
    assert words in capsys.readouterr().err
    if session:
        assert as_it_was(session)[:4] == before[:4]
        assert len(session.tracks) == 1
        assert session.edit == (before[5] if "BounceTrack" in pro_tools.log else session.edit)


def test_no_pro_tools_and_no_server(pro_tools, capsys):
    nowhere = str(free_port())
    assert main(["repaint", "--pro-tools", f"localhost:{nowhere}"]) == 1
    assert "Start Pro Tools" in capsys.readouterr().err
    assert main(["repaint", "--pro-tools", pro_tools.address, "--port", nowhere]) == 1
    assert "takebridge serve" in capsys.readouterr().err
    assert "BounceTrack" not in pro_tools.log, "a bounce would have been for nothing"


def test_the_servers_own_words_are_shown(server, pro_tools, capsys):
    assert ask(server, pro_tools, "repaint", "--takes", "99") == 1
    assert "takes" in capsys.readouterr().err
    with pytest.raises(Problem, match="no take nonsense"):
        Bridge("127.0.0.1", server.settings.websocket_port).save_clip(
            "nonsense", pro_tools.session.folder / "x.wav"
        )


def test_ctrl_c_cancels_the_job_and_leaves_pro_tools_as_it_was(server, pro_tools, capsys, monkeypatch):
    session, calls = pro_tools.session, []
    before = as_it_was(session)
    real = Bridge.call

    def call(self, method, **params):
        calls.append(method)
        if method == "jobs.show":
            _thread.interrupt_main()
        return real(self, method, **params)

    monkeypatch.setattr(Bridge, "call", call)
    assert ask(server, pro_tools, "repaint", "--takes", "4") == INTERRUPTED
    assert calls[-1] == "cancel"
    assert "Cancelled. Nothing was changed" in capsys.readouterr().out
    assert as_it_was(session) == before
    assert len(session.tracks) == 1


@pytest.fixture(scope="module")
def take(server):
    """A take of the server's own song, as `jobs.show` has it."""
    bridge = Bridge("127.0.0.1", server.settings.websocket_port)
    job = bridge.call("repaint", source="song.wav", start=START, end=END)["job"]
    return render.follow(bridge, job, print)[0]


def put_back(server, double, take) -> str:
    """What is said when the take cannot be put where it belongs."""
    bridge = Bridge("127.0.0.1", server.settings.websocket_port)
    with connected(double.address, print) as link, pytest.raises(Problem) as caught:
        render.put_back(link, bridge, render.open_session(link), "repaint", [take], print)
    return str(caught.value)


def test_a_clip_in_the_wrong_place_is_noticed(server, pro_tools, take):
    def one_late(body):
        body.dst_location_data.location.location = str(START + 1)

    pro_tools.spoil["SpotClipsByID"] = one_late
    said = put_back(server, pro_tools, take)
    assert f"at {START + 1} ({END - START} samples long) instead of {START}" in said
    assert "delete the new tracks ('Repaint 1')" in said


def test_a_lost_channel_or_a_failed_spot_is_reported_with_what_is_there(server, pro_tools, take):
    pro_tools.spoil["SpotClipsByID"] = lambda body: body.src_clips.pop()
    said = put_back(server, pro_tools, take)
    assert "Takes placed so far: none; look for a new track without a clip" in said


def test_a_take_that_cannot_be_seen_is_not_called_placed(server, pro_tools, take):
    def other_unit(body):
        body.track_offset_options = pt.TimeCode

    pro_tools.spoil["ExportSessionInfoAsText"] = other_unit
    assert "does not list the clip on 'Repaint 1'" in put_back(server, pro_tools, take)


def test_an_open_dialog_is_mentioned():
    said, free = [], threading.Event()

    def release(line):
        said.append(line)
        free.set()

    assert patiently("wait", lambda: free.wait(20), release, 0.05)
    assert "dialog" in said[0]


def test_errors_without_words_get_some():
    class Empty(RuntimeError):
        error_responses = ()

    assert "gave no reason" in str(in_words("bounce", Empty()))
    assert "bounce: boom" in str(in_words("bounce", ValueError("boom")))


def test_only_samples_are_taken_for_samples(pro_tools):
    with connected(pro_tools.address, print) as link:
        found = link.run("GetEditSelection", "report", location_type=pt.TLType_TimeCode)
        with pytest.raises(Problem, match="main counter"):
            samples(found.in_time)


def test_the_double_refuses_what_is_not_in_the_protocol(pro_tools):
    with connected(pro_tools.address, print) as link:
        with pytest.raises(Problem, match="bounce"):
            link.run("BounceTrack", "bounce it", src_track_id=pro_tools.session.tracks[0].id[1:-1])
        with pytest.raises(Problem, match=r"2025\.6"):
            link.run("ClearUndoQueue", "forget")


def test_clip_rows_of_tracks_with_brackets_in_their_names(opened):
    opened.add_track("Band")
    text = opened.as_text()
    assert [row.start for row in clip_rows.clips_on(text, "Band (live)")] == [0, 0]
    assert clip_rows.clips_on(text, "Band") == []


def test_files_are_never_overwritten(tmp_path):
    for _ in range(3):
        new_file(tmp_path, "take").touch()
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "cannot be read"), (b"no midi", "cannot be used"), (midi(track()), "has no tempo")],
)
def test_a_tempo_map_that_is_none(tmp_path, data, words):
    path = tmp_path / "map.mid"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(Problem, match=words):
        tempo_fields(path, None)


def test_the_self_test_passes_and_sees_what_is_wrong(tmp_path, capsys):
    double = ProTools(Session(tmp_path))
    with served(double) as address:
        assert main(["selftest", "--pro-tools", address]) == 0
        report = (tmp_path / "Takebridge self-test.txt").read_text()
        assert report.count("OK ") == 14
        assert "WRONG" not in report
        assert main(["selftest", "--pro-tools", address]) == 1
        assert "without audio tracks" in capsys.readouterr().err
        double.session = Session(tmp_path)

        def late(body):
            body.dst_location_data.location.location = "12346"

        double.spoil["SpotClipsByID"] = late
        assert main(["selftest", "--pro-tools", address]) == 1
    report = (tmp_path / "Takebridge self-test.txt").read_text()
    assert "WRONG   a mono clip is on its sample" in report
    assert "WRONG   a stereo clip bounces sample for sample" in report


def test_the_readme_lists_every_guess():
    facts = Path(__file__).with_name("pro_tools_facts.md")
    assert_guesses_are_listed(facts, EXAMPLES / "pro_tools" / "README.md")
