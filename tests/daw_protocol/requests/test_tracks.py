"""Several songs in one request."""

import pytest

from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Accompany, Repaint
from daw_protocol.requests.tracks import Track, TracksKind

TWO = (Track(source="drums.wav"), Track(source="bass, dry.wav"))


def test_names_and_objects_say_the_same():
    for given in (
        ["drums.wav", "bass, dry.wav"],
        [{"source": "drums.wav"}, "bass, dry.wav"],
        '["drums.wav", "bass, dry.wav"]',
    ):
        assert TracksKind().read(given) == TWO
    assert TracksKind().read("drums.wav, bass.wav")[1] == Track(source="bass.wav")
    assert TracksKind().read(TracksKind().write(TWO)) == TWO


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tracks": ["a.wav", "b.wav", "a.wav"]}, "tracks 1 and 3 are the same"),
        ({"tracks": [{"source": ""}]}, "track 1: source"),
        ({"tracks": ["a.wav"], "source": "b.wav"}, "the song is named twice"),
        ({"tracks": ["a.wav"], "source_position": 5}, "the song is named twice"),
        ({"tracks": []}, "1 to 32 songs, got 0"),
    ],
)
def test_what_is_wrong_with_them(fields, words):
    with pytest.raises(ProtocolError, match=words) as refused:
        Repaint(**fields)
    assert refused.value.field == "tracks"


def test_only_a_repaint_is_made_of_tracks_together():
    assert Repaint(tracks=["a.wav"], mode="together").mode == "together"
    with pytest.raises(ProtocolError, match="accompany does not render tracks together"):
        Accompany(tracks=["a.wav"], mode="together")
