"""A chord progression from every way in to the take: acknowledged, played, kept; and the chords of an analysis."""

from __future__ import annotations

import io
from fractions import Fraction

import mido
import pytest
import soundfile

from daw_protocol.timeline import TempoMap
from daw_protocol.timeline.chord_progression import Bar, ChordProgression
from tests.bridge_server.every_door import DOORS
from tests.bridge_server.peers import RpcError
from tests.bridge_server.servers import server_fixture
from tests.model.sketch.songs import make_song

RATE = 22_050
PROGRESSION = ("Am", "F", "C", "G")


def band(path):
    soundfile.write(path, make_song(8, rate=RATE, progression=PROGRESSION).song.samples, RATE)


server = server_fixture((band, "band.wav"), engine="sketch")
ASKED = {"source": "band.wav", "bpm": 120, "bars": "1-4", "instruments": "bass", "seed": 1}


@pytest.fixture(scope="module")
def given(server):
    """A take with given chords: (acknowledgement, take)."""
    with server.websocket() as peer:
        ack = peer.call("accompany", **ASKED, chords="Am | F/C G7")
        replies = peer.until_end(ack["job"])
        take = next(reply["take"] for reply in replies if reply.name == "take")
        return ack, peer.call("takes.show", take=take)


def test_what_becomes_of_the_chords_is_said_at_once_and_kept(given):
    ack, take = given
    note = "The 2 bars of chords repeat to the region's end, bar 4."
    assert note in ack["note"]
    assert note in take["recipe"]["notes"]
    assert take["request"]["chords"] == "Am | F/C G7"
    assert take["recipe"]["figures"]["chords"] == ["Am", "F/C G7", "Am", "F/C G7"]


def test_what_was_played_comes_back_as_text_that_can_be_sent_again(given):
    _, take = given
    text = take["recipe"]["blueprint"]["chords_text"]
    assert text == "1|1 Am 2|1 F/C 2|3 G7 3|1 Am 4|1 F/C 4|3 G7"
    assert str(ChordProgression.parse(text)) == text


def test_the_chord_track_lies_by_the_take(server, given):
    _, take = given
    with server.websocket() as peer:
        data = peer.fetch(take["take"], "attachment", "chords.mid")
    file = mido.MidiFile(file=io.BytesIO(data))
    markers = [message.text for message in file.tracks[0] if message.type == "marker"]
    assert markers == ["Am", "F/C", "G7", "Am", "F/C", "G7"]
    first = [message.note % 12 for message in file.tracks[1] if message.type == "note_on"][:4]
    assert sorted(first) == [0, 4, 9, 9]


def test_a_variation_keeps_the_chords(server, given):
    _, take = given
    with server.websocket() as peer:
        job = peer.call("vary", take=take["take"])["job"]
        request = peer.call("jobs.show", job=job)["request"]
        peer.call("cancel", job=job)
        peer.until_end(job)
    assert request["chords"] == "Am | F/C G7"


@pytest.mark.parametrize("door", DOORS)
def test_wrong_chords_are_refused_by_every_way_in(server, door):
    found = DOORS[door](server, "accompany", {**ASKED, "chords": "Am Hm7"})
    assert "H is German for B" in str(found)
    assert "bar 2" in str(found)


def test_engines_say_whether_they_follow_chords(server):
    with server.websocket() as peer:
        assert peer.call("engines")["engines"]["sketch"]["follows_chords"] is True


def test_chords_need_a_tempo(server):
    with server.websocket() as peer, pytest.raises(RpcError) as refused:
        peer.call("accompany", source="band.wav", chords="Am")
    assert "chords: the song's tempo is not known" in refused.value.sentence


def test_a_preset_keeps_chords(server):
    with server.websocket() as peer:
        peer.call("presets.save", name="Axis", task="accompany", chords="Am F | C G")
        job = peer.call("accompany", **ASKED, preset="Axis")["job"]
        assert peer.call("jobs.show", job=job)["request"]["chords"] == "Am F | C G"
        peer.call("cancel", job=job)
        peer.until_end(job)


def test_an_analysis_names_the_chords_on_its_bars(server):
    with server.websocket() as peer:
        job = peer.call("analyse", source="band.wav")["job"]
        found = next(reply for reply in peer.until_end(job) if reply.name == "analysed")
        analysis = peer.call("jobs.show", job=job)["analysis"]
    assert found["chords"] == analysis["chords_text"]
    assert 0 < analysis["confidence"]["chords"] <= 1
    # On a half or double tempo it would be other bars; whatever they are, the chords lie where they are played.
    tempo_map = TempoMap.constant(analysis["tempo"], offset=analysis["downbeat"])
    at = {
        tempo_map.sample_at(tempo_map.quarters_of_bar(one.bar) + one.beat - 1, RATE): str(one.chord)
        for one in ChordProgression.parse(analysis["chords_text"]).over([Bar(n, 4) for n in range(1, 30)], 1)
    }
    for bar in range(8):
        middle = round((Fraction(bar) * 2 + 1) * RATE)
        assert at[max(sample for sample in at if sample <= middle)] == PROGRESSION[bar % 4]
