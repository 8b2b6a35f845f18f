"""Analyse a song, keep its tempo, edit it: by OSC and by WebSocket; and what requests without a tempo get then."""

from __future__ import annotations

import base64
from fractions import Fraction

import pytest

from bridge_server.handlers.song_tempo import edited, in_words, tap_seconds
from clip_store.exports.midi_tempo import song_map_bytes
from daw_protocol.requests import SetSongTempo
from daw_protocol.song_tempo_kept import SongTempoKept
from daw_protocol.timeline import SongMap, TempoMap
from tests.bridge_server.peers import RpcError, noise_song
from tests.doubles import FOUND


@pytest.fixture
def song(songs, request):
    """A song of this test alone: a tempo stays with its song."""
    name = f"{request.node.name[:40].replace('[', '-').replace(']', '')}.wav"
    noise_song(songs / name, frames=8 * 48_000, seed=abs(hash(name)) % 10_000 + 10)
    return name


def analysed(osc, song, request_id):
    return osc.render("/bridge/analyse", request_id, "source", song)


def test_an_analysis_is_told_in_words_and_makes_no_take(osc, ws, song):
    found = {reply.name: reply for reply in analysed(osc, song, "a1")}
    assert found["analysed"]["bpm"] == pytest.approx(FOUND.tempo)
    assert found["analysed"]["other_bpm"] == pytest.approx(FOUND.other_tempo)
    assert found["analysed"]["text"] == "97.5 BPM (or 195), 3/4, bar 1 at 0.250 s, D minor."
    assert found["done"]["takes"] == 0
    job = ws.call("jobs.show", job=found["ack"]["job"])
    assert (job["takes"], job["analysis"]["downbeat"]) == ([], 0.25)
    again = analysed(osc, song, "a1")  # sent twice, as over a bad network: answered from memory
    assert [reply.name for reply in again] == ["ack", "analysed", "done"]


def test_an_accepted_tempo_is_the_songs_for_every_client(osc, ws, song):
    refused = osc.ask("/bridge/repaint", "b0", "source", song, "bars", "2-2")
    assert (refused.name, refused["code"], refused["field"]) == ("failed", "missing_field", "bpm")
    analysed(osc, song, "b1")
    told = osc.ask("/bridge/songs/tempo", song, "analysed", 1)
    assert (told.name, told["text"]) == ("ok", "97.5 BPM, 3/4, bar 1 at 0.250 s.")
    found = osc.render("/bridge/repaint", "b2", "source", song, "bars", "2-2")
    (take,) = [reply for reply in found if reply.name == "take"]
    bar = 3 * 60 / 97.5
    assert take["position"] == pytest.approx((0.25 + bar) * 48_000, abs=1)
    assert take["length"] == pytest.approx(bar * 48_000, abs=1)
    job = ws.call("repaint", source=song, bars="2-2", bpm=120)  # a tempo of the request's own wins
    assert ws.call("jobs.show", job=job["job"])["request"]["bpm"] == 120


def test_the_panel_draws_the_songs_tempo_and_the_next_songs_its_own(osc, ws, song):
    analysed(osc, song, "c1")
    ws.call("songs.tempo", source=song, analysed=True, times=2)
    focus = ws.call("focus.show")
    assert (focus["tempo_known"], focus["grid"]["tempi"][0][1]) == (True, 195.0)
    assert "tempo_map" not in focus["request"]  # a request finds it with the song
    ws.call("source", source="long.wav")
    assert ws.call("focus.show")["tempo_known"] is False
    ws.call("source", source=song)
    assert ws.call("focus.show")["tempo_known"] is True


def test_edits_follow_one_another_and_can_be_forgotten(ws, song):
    kept = ws.call("songs.tempo", source=song, bpm=100, bar_one="0.5s")
    assert (kept["bpm"], kept["bar_one"], kept["tempos"]) == (100.0, 0.5, 1)
    assert ws.call("songs.tempo", source=song, times=0.5)["bpm"] == 50.0
    assert ws.call("songs.tempo", source=song, shift=1)["bar_one"] == pytest.approx(1.7)
    assert ws.call("songs.tempo", source=song, meter="3/4")["meter"] == "3/4"
    assert ws.call("songs.tempo", source=song, bar_one=48_000)["bar_one"] == 1.0  # samples of the song
    assert ws.call("songs.tempo", source=song, taps="1.0, 1.5 2.0")["bpm"] == 120.0
    midi = base64.b64encode(song_map_bytes(SongMap(TempoMap.constant(90)), Fraction(64), "a")).decode()
    assert ws.call("songs.tempo", source=song, midi=midi)["bpm"] == pytest.approx(90.0)
    assert ws.call("songs.tempo", source=song)["known"] is True
    assert ws.call("songs.tempo", source=song, forget=True)["known"] is False


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"times": 2}, "missing_field"),  # nothing kept, nothing found
        ({"analysed": True}, "missing_field"),
        ({"bpm": 120, "taps": "1 2"}, "out_of_range"),
        ({"bpm": 800, "times": 2}, "out_of_range"),
        ({"bpm": 120, "bar_one": "2|1"}, "out_of_range"),
        ({"taps": "one two"}, "out_of_range"),
        ({"midi": "no base64!"}, "wrong_type"),
        ({"midi": base64.b64encode(b"RIFF").decode()}, "file_unreadable"),
    ],
)
def test_what_cannot_be(ws, song, values, code):
    with pytest.raises(RpcError) as refused:
        ws.call("songs.tempo", source=song, **values)
    assert refused.value.code == code
    assert ws.call("songs.tempo", source=song)["known"] is False


def test_a_region_makes_no_sense_for_an_analysis_and_a_selection_does_not_reach_it(osc, ws, song):
    with pytest.raises(RpcError, match="analysed whole"):
        ws.call("analyse", source=song, start=0, end=4800)
    osc.ask("/bridge/select", 0, 4800)
    assert analysed(osc, song, "d1")[-1].name == "done"


def test_an_edit_starts_from_the_map_it_is_given():
    base = TempoMap.constant(120)
    assert edited(base, SetSongTempo(source="a"), 48_000) == base
    assert float(edited(base, SetSongTempo(source="a", bpm=97.3), 48_000).points[0].bpm) == 97.3
    assert float(edited(None, SetSongTempo(source="a", bpm=97.3, meter="3/4"), 48_000).points[0].bpm) == 97.3


def test_taps_are_written_with_commas_or_spaces():
    assert tap_seconds("1, 2.5  3,4") == [1.0, 2.5, 3.0, 4.0]
    assert tap_seconds("1.5;2;3.5\n4") == [1.5, 2.0, 3.5, 4.0]


@pytest.mark.parametrize(
    "text", ["1,02, 1,53, 2,04", "1,02 1,53 2,04", "1,02; 1,53;2,04", "١,٠٢ １,53 2,04,"]
)
def test_decimal_commas_in_taps(text):
    assert tap_seconds(text) == [1.02, 1.53, 2.04]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 nan", "within a day, got 'nan'"),
        ("1 -inf", "within a day, got '-inf'"),
        ("1 1e400", "within a day, got '1e400'"),
        ("1 " + "9" * 5000, "within a day, got '999"),
        ("1 1_0", "taps must be seconds"),
        ("1 0x10", "taps must be seconds"),
        ("1,2,3,4", "commas in"),
        ("1,500 2,000", "may separate decimals or thousands"),
    ],
)
def test_taps_that_are_no_times(text, words):
    with pytest.raises(ValueError, match=words) as raised:
        tap_seconds(text)
    assert len(str(raised.value)) < 200


def test_what_is_kept_in_words():
    kept = SongTempoKept(source="a", known=True, bpm=97.0, meter="4/4", bar_one=0.3, tempos=12, key="D minor")
    assert in_words(kept) == "97 BPM at bar 1, 12 tempos in all, 4/4, bar 1 at 0.300 s, D minor."
    assert in_words(SongTempoKept(source="a", known=False)) == "No tempo is kept with the song."
