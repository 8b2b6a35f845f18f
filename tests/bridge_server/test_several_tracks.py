"""Several songs in one request: each by itself, or tracks of one song together, rendered by the sketch engine."""

import io

import numpy as np
import pytest
import soundfile

from clip_store.audio.audio import Encoding, quantise
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from tests.bridge_server.peers import RpcError, band_song
from tests.bridge_server.servers import server_fixture

BEAT = 22_050
SMOOTHED = 48  # samples: what is below and what is above it are the two tracks
LATER = 4 * BEAT


def stamped(path, samples, rate, position):
    """A Broadcast WAV whose first sample is at this position."""
    bext = Bext("", "test", "", "2026-01-01", "00:00:00", position, "")
    write_wav(path, quantise(samples, rate, Encoding.FLOAT).audio, bext, {}, "")


def tracks(path):
    """A band of seven bars at 120 BPM in two tracks that sum to it, and one that begins a bar later by its stamp."""
    band_song(path, bars=7)
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    low = np.stack(
        [np.convolve(channel, np.ones(SMOOTHED) / SMOOTHED, "same") for channel in samples.T], axis=1
    )
    low = low.astype(np.float32)
    soundfile.write(path.with_name("low.wav"), low, rate, subtype="FLOAT")
    soundfile.write(path.with_name("high.wav"), samples - low, rate, subtype="FLOAT")
    soundfile.write(path.with_name("short.wav"), low[: 6 * 4 * BEAT], rate, subtype="FLOAT")
    soundfile.write(path.with_name("48k.wav"), low[:96_000], 48_000, subtype="FLOAT")
    stamped(path.with_name("later.wav"), (samples - low)[LATER:], rate, LATER)
    return path


server = server_fixture((tracks, "band.wav"), engine="sketch")
ASKED = {"bpm": 120, "seed": 4, "strength": 1.0, "handles": 0.1, "regions": "5"}


def takes_of(replies):
    assert replies[-1].name == "done", replies[-1].values
    return [reply for reply in replies if reply.name == "take"]


def sound(ws, take):
    return soundfile.read(io.BytesIO(ws.fetch(take["take"])), always_2d=True, dtype="float64")[0]


def records(server, takes):
    known = {take.id: take for take in server.takes()}
    return [known[take["take"]] for take in takes]


def test_each_track_is_rendered_as_if_alone(server, ws):
    takes = takes_of(ws.render("repaint", **{**ASKED, "regions": "5, 2"}, tracks=["low.wav", "high.wav"]))
    assert [(take["track"], take["region"], take["number"]) for take in takes] == [
        (1, 1, 1), (1, 2, 2), (2, 1, 3), (2, 2, 4),
    ]  # fmt: skip
    rendered = records(server, takes)
    assert [take.title for take in rendered] == ["low", "low", "high", "high"]
    (alone,) = records(server, takes_of(ws.render("repaint", **{**ASKED, "regions": "2"}, source="high.wav")))
    assert (rendered[3].audio, rendered[3].result) == (alone.audio, alone.result)


def test_tracks_together_are_edited_alike_and_sum_to_a_take_of_their_sum(server, ws):
    both = takes_of(ws.render("repaint", **ASKED, tracks=["low.wav", "high.wav"], mode="together"))
    assert [(take["track"], take["number"], take["region"]) for take in both] == [(1, 1, 1), (2, 1, 1)]
    for take in records(server, both):
        assert take.receipt.outside_identical
        assert take.receipt.exact
    low, high = (take.recipe for take in records(server, both))
    assert low.figures["source_bars"] == high.figures["source_bars"]
    assert low.gain_db == high.gain_db
    (of_sum,) = takes_of(ws.render("repaint", **ASKED, source="band.wav"))
    total, wanted = sound(ws, both[0]) + sound(ws, both[1]), sound(ws, of_sum)
    assert np.corrcoef(total.ravel(), wanted.ravel())[0, 1] > 0.99
    files = ws.call("export", what="take", name=both[0]["take"], format="wav")["files"]
    assert [name for name in files if "low" in name]
    assert not [name for name in files if "high" in name]


def test_tracks_together_lie_where_their_time_stamps_say(server, ws):
    both = takes_of(ws.render("repaint", **ASKED, tracks=["low.wav", "later.wav"], mode="together"))
    low, later = records(server, both)
    assert (low.position, low.start) == (later.position, later.start + LATER)
    assert later.receipt.outside_identical
    assert low.recipe.figures["source_bars"] == later.recipe.figures["source_bars"]


def test_a_take_of_tracks_together_varies_all_of_them(server, ws):
    both = takes_of(ws.render("repaint", **ASKED, tracks=["low.wav", "high.wav"], mode="together"))
    varied = takes_of(ws.until_end(ws.call("vary", take=both[1]["take"], seed=9)["job"]))
    assert [take["track"] for take in varied] == [1, 2]
    assert [take.title for take in records(server, varied)] == ["low", "high"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tracks": ["low.wav", "short.wav"], "regions": "7"}, "of track 2: The region"),
        ({"tracks": ["low.wav", "nowhere.wav"]}, "'nowhere.wav'"),
        ({"tracks": ["low.wav", "high.wav"], "layers": "drums only"}, "layers: tracks"),
        ({"tracks": ["low.wav", "low.wav"]}, "tracks: tracks 1 and 2 are the same"),
        ({"tracks": ["low.wav"], "source": "high.wav"}, "tracks: the song is named twice"),
        ({"source": "low.wav"}, "mode: there are no tracks"),
    ],
)
def test_what_cannot_be_rendered_together_is_refused_in_words(ws, changes, words):
    with pytest.raises(RpcError) as refused:
        ws.call("repaint", **{**ASKED, "mode": "together", **changes})
    assert words in refused.value.sentence, refused.value.sentence


def test_tracks_together_that_should_hear_what_was_accepted_say_that_they_do_not(ws):
    asked = {**ASKED, "tracks": "low.wav,high.wav", "mode": "together", "takes": 1}
    notes = {}
    for hears in ("accepted", "original"):
        replies = ws.render("repaint", **asked, hears=hears)
        shown = ws.call("takes.show", take=takes_of(replies)[0]["take"])
        notes[hears] = " ".join(shown["recipe"].get("notes", []))
    assert "without accepted takes" in notes["accepted"]
    assert "without accepted takes" not in notes["original"]


def test_tracks_of_two_rates_are_rendered_together_at_the_higher(server, ws):
    both = takes_of(
        ws.render("repaint", **{**ASKED, "regions": "1"}, tracks=["low.wav", "48k.wav"], mode="together")
    )
    assert {take["rate"] for take in both} == {48_000}
