"""The focus: what everybody looks at, through the real server; and the grid a panel draws."""

import json
import os
from fractions import Fraction

import numpy as np
import soundfile

from bridge_server.handlers.shared_context import BARS_BEHIND, grid
from daw_protocol.timeline import Meter, MeterChange, Span, TempoMap, TempoPoint
from tests.bridge_server.endpoints.http.asking import ask
from tests.bridge_server.peers import noise_song
from tests.bridge_server.servers import server_fixture

server = server_fixture((noise_song, "song.wav"), scope="function")


def test_what_a_daw_says_is_what_a_panel_sees(server):
    with server.websocket("?client=panel") as panel, server.osc() as daw:
        assert panel.call("watch") == {"revision": 0}
        assert panel.call("focus.show")["song"] is None
        for words in (("source", "song.wav", 96000), ("tempo", 60.0), ("meter", "3/4"), ("key", "F# minor")):
            daw.ask(f"/bridge/{words[0]}", *words[1:])
        daw.ask("/bridge/select", "2|1|0", "3|1|0")
        found = panel.call("focus.show")
        received = [entry["revision"] for entry in panel.received if entry.name == "focus"]
    assert received == [1, 2, 3, 4, 5]
    assert found["revision"] == 5
    song = found["song"]
    assert (song["title"], song["rate"], song["length"], song["position"]) == ("song", 48000, 48000, 96000)
    assert found["selection"] == {"start": 3 * 48000, "end": 6 * 48000}
    assert found["key"] == "F# minor"
    assert found["grid"]["bars"][:2] == [[1, 0], [2, 144000]]
    assert found["grid"]["beats"][:3] == [0, 48000, 96000]
    assert found["grid"]["meters"] == [[0, "3/4"]]
    assert found["request"]["source_position"] == "96000"
    assert found["request"]["bpm"] == 60


def test_the_fields_of_the_focus_make_a_request(server):
    with server.websocket("?client=panel") as panel:
        panel.call("source", source="song.wav")
        panel.call("select", start=4800, end=9600)
        shown = panel.call("focus.show")
        replies = panel.render("repaint", **shown["request"], **shown["selection"])
    take = next(entry for entry in replies if entry.name == "take")
    assert (take["position"], take["length"]) == (4800, 4800)


def test_two_panels_and_a_daw_follow_a_job_that_one_of_them_asked_for(server):
    with server.websocket() as first, server.websocket() as second, server.osc() as daw:
        first.call("watch")
        second.call("watch")
        daw.ask("/bridge/watch", "w", "on", 1)
        job = first.call("repaint", source="song.wav", start=0, end=4800)["job"]
        names = [entry.name for entry in second.until_end(job) if entry.name != "progress"]
        assert names == ["ack", "take", "done"]
        assert [entry.name for entry in first.until_end(job) if entry.name != "progress"] == ["take", "done"]
        reported = []
        while not reported or reported[-1].name != "done":
            reported.append(daw.receive())
        assert {entry.name for entry in reported} >= {"ack", "focus", "take", "done"}
        take = server.takes()[0].id
        second.call("takes.choose", take=take)
        chosen = next(iter(iter(first.next_received, None)))
        while chosen.name != "chosen":
            chosen = first.next_received()
        assert (chosen["take"], chosen["start"], chosen["end"]) == (take, 0, 4800)
        assert second.call("takes.list")["takes"][0]["chosen"] is True
        second.call("takes.revert", take=take)
        while first.next_received().name != "chosen":
            pass
        assert second.call("takes.list")["takes"][0]["chosen"] is False


def test_a_client_that_stops_watching_follows_its_own_jobs_only(server):
    with server.websocket() as first, server.websocket() as second:
        first.call("watch")
        first.call("watch", on=False)
        second.render("repaint", source="song.wav", start=0, end=4800)
        first.call("status")
        assert first.received == []


def test_a_request_moves_the_focus_too(server):
    with server.websocket() as client:
        client.render("repaint", source="song.wav", start=4800, end=9600, bpm=90)
        shown = client.call("focus.show")
    assert shown["selection"] == {"start": 4800, "end": 9600}
    assert shown["grid"]["tempi"] == [[0, 90.0, 0]]


def test_a_song_that_has_gone_is_reported_with_its_remedy(server):
    with server.websocket() as client:
        client.call("source", source="song.wav")
        os.remove(server.settings.roots[0] / "song.wav")
        shown = client.call("focus.show")
    assert shown["song"] is None
    assert "song.wav" in shown["problem"]["sentence"]
    assert shown["problem"]["remedy"]


def test_a_song_that_was_saved_again_is_read_again(server):
    with server.websocket() as client:
        client.call("source", source="song.wav")
        first = client.call("focus.show")["song"]
        noise_song(server.settings.roots[0] / "song.wav", frames=9000, seed=9)
        second = client.call("focus.show")["song"]
    assert second["length"] == 9000
    assert second["digest"] != first["digest"]


def test_the_playhead_moves_without_a_revision(server):
    with server.websocket() as client, server.osc() as daw:
        client.call("watch")
        daw.ask("/bridge/transport", "2|1|0", 1)
        received = client.next_received()
        assert (received["revision"], received["playhead"], received["rolling"]) == (
            0,
            96000,
            True,
        )  # 120 BPM assumed
        assert client.call("focus.show")["playhead"] == 96000


def test_a_song_at_another_project_rate_is_shown_at_that_rate(server):
    with server.websocket() as client:
        client.call("source", source="song.wav", rate=96000)
        song = client.call("focus.show")["song"]
    assert (song["rate"], song["length"]) == (96000, 96000)


def test_the_grid_shows_ramps_and_meters_and_goes_on_behind_the_song():
    tempo_map = TempoMap(
        (TempoPoint(Fraction(0), Fraction(120), ramp=True), TempoPoint(Fraction(8), Fraction(60))),
        (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(8), Meter(3, 4))),
    )
    shown = grid(tempo_map, Span(0, 20 * 48000), 48000)
    at_eight = tempo_map.sample_at(Fraction(8), 48000)
    assert shown.tempi == ((0, 120.0, 1), (at_eight, 60.0, 0))
    assert shown.meters == ((0, "4/4"), (at_eight, "3/4"))
    bars = dict(shown.bars)
    assert bars[3] == at_eight
    assert bars[4] == at_eight + 3 * 48000
    behind = [sample for sample in bars.values() if sample >= 20 * 48000]
    assert len(behind) == BARS_BEHIND


def test_a_list_of_songs_over_osc_is_their_titles(server):
    with server.osc() as client:
        assert client.ask("/bridge/songs/list")["text"] == "song"


def test_what_a_files_tags_call_it_is_shown_with_its_name_also_of_uploads(server, tmp_path):
    path = tmp_path / "bounce 7.wav"
    with soundfile.SoundFile(path, "w", 44_100, 2, format="WAV") as file:
        file.title, file.artist = "Night drive", "Ich"
        file.write(np.random.default_rng(3).uniform(-0.1, 0.1, (4410, 2)))
    (server.settings.roots[0] / "kept.wav").write_bytes(path.read_bytes())
    uploaded = json.loads(ask(server, "PUT", "/uploads/bounce%207.wav", path.read_bytes())[2])["source"]
    with server.websocket() as ws, server.osc() as osc:
        for source, name in (("kept.wav", "kept"), (uploaded, "bounce 7")):
            ws.call("source", source=source)
            song = ws.call("focus.show")["song"]
            assert (song["title"], song["tag_title"], song["tag_artist"]) == (name, "Night drive", "Ich")
        (recent,) = ws.call("songs.list")["recent"]
        assert (recent["title"], recent["tag_title"], recent["tag_artist"]) == (
            "bounce 7",
            "Night drive",
            "Ich",
        )
        assert "kept (Night drive by Ich)" in osc.ask("/bridge/songs/list")["text"]
