"""Several regions and songs are looked at before anything is queued."""

import pytest

from tests.bridge_server.peers import RpcError


@pytest.mark.parametrize(
    ("fields", "words", "field"),
    [
        ({"source": "song.wav", "regions": "0..4800, 2400..9600"}, "Regions 1 and 2 overlap", "regions"),
        ({"source": "song.wav", "regions": "0..4800, 90000..99000"}, "Region 2: The region starts", "start"),
        ({"tracks": ["song.wav", "nowhere.wav"], "start": 0, "end": 4800}, "'nowhere.wav'", "tracks"),
        (
            {"tracks": ["long.wav", "song.wav"], "start": 90_000, "end": 99_000},
            "Track 2: The region starts",
            "start",
        ),
        (
            {"source": "song.wav", "mode": "together", "start": 0, "end": 4800},
            "mode: there are no tracks",
            "tracks",
        ),
        (
            {"tracks": ["song.wav", "long.wav"], "mode": "together", "start": 0, "end": 4800},
            "mode: the Noise engine does not render tracks together.",
            "mode",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(ws, fields, words, field):
    before = ws.call("jobs.list", limit=500)
    with pytest.raises(RpcError) as refused:
        ws.call("repaint", **fields)
    assert words in refused.value.sentence, refused.value.sentence
    assert refused.value.field == field
    assert ws.call("jobs.list", limit=500) == before


def test_a_job_of_several_songs_keeps_each_in_its_place(ws):
    tracks = ["song.wav", {"source": "long.wav", "source_position": 480, "title": "Long"}]
    replies = ws.render("repaint", tracks=tracks, start=960, end=4800, seed=-1)
    assert replies[-1].name == "done", replies[-1].values
    takes = [ws.call("takes.show", take=reply["take"]) for reply in replies if reply.name == "take"]
    assert [(take["track"], take["position"], take["title"]) for take in takes] == [
        (1, 960, "song"),
        (2, 960, "Long"),
    ]
    assert len({take["seed"] for take in takes}) == 1
    assert "tracks" not in takes[1]["request"]
    assert takes[1]["request"]["source_position"] == "480"


def test_a_request_has_the_engines_context_where_the_song_goes_on(ws):
    far = {"source": "long.wav", "start": 96_000, "end": 100_800, "engine": "near"}
    accepted = ws.call("repaint", **far)
    assert "Near uses 1 s of the song on each side as context" in accepted["note"]
    assert ws.call("jobs.show", job=accepted["job"])["request"]["context"] == 1
    for fields in ({**far, "context": 3}, {**far, "source": "song.wav", "start": 0, "end": 4800}):
        accepted = ws.call("repaint", **fields)
        assert "note" not in accepted
        assert ws.call("jobs.show", job=accepted["job"])["request"].get("context") == fields.get("context")
