"""A file that was saved again while its job waited: what still lies where it was selected, and what is refused."""

from fractions import Fraction

import pytest

from bridge_server.songs.asked_song import AskedSong
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Extract, Repaint
from daw_protocol.timeline import AtSample, AtSeconds

LYING = AtSeconds(Fraction(25, 10))
SELECTED = Repaint(source="a.wav", start=AtSample(10), end=AtSample(20))
BY_ITS_STAMP = SELECTED.evolve(source_position=AtSample(120_000))
WHOLE = Extract(source="a.wav")


def song(**changes) -> AskedSong:
    values = {"size": 1, "modified_ns": 2, "frames": 96_000, "rate": 48_000, "channels": 2, "digest": "d"}
    return AskedSong(**{**values, **changes})


STAMPED = song(stamp=Fraction(5, 2))


@pytest.mark.parametrize(
    ("request_", "before", "now"),
    [
        (SELECTED, song(), song(size=9, channels=1, digest="e")),
        (WHOLE, song(), song(frames=96_001)),
        (BY_ITS_STAMP, STAMPED, STAMPED),
        (SELECTED.evolve(source_position=LYING), song(), song(stamp=Fraction(5, 2))),
        (SELECTED.evolve(source_position=AtSample(7)), STAMPED, song(stamp=Fraction(9))),
    ],
    ids=["other sound", "a whole song", "the same stamp", "no stamp before", "placed by its producer"],
)
def test_what_lies_where_it_did_is_rendered(request_, before, now):
    before.refuse_elsewhere(now, "a.wav", request_)


@pytest.mark.parametrize(
    ("request_", "before", "now", "words"),
    [
        (SELECTED, song(), song(frames=48_000), "2.000 s long .* 1.000 s long"),
        (SELECTED.evolve(start=None, end=None, bars="1-2"), song(), song(frames=96_001), "long"),
        (WHOLE, song(), song(rate=44_100), "48000 samples a second .* 44100 now"),
        (BY_ITS_STAMP, STAMPED, song(stamp=Fraction(3)), "time stamp"),
        (BY_ITS_STAMP, STAMPED, song(), "time stamp"),
        (WHOLE, song(), STAMPED, "time stamp"),
    ],
)
def test_what_may_lie_elsewhere_is_refused(request_, before, now, words):
    with pytest.raises(ProtocolError, match=words) as caught:
        before.refuse_elsewhere(now, "a.wav", request_)
    assert (caught.value.code, caught.value.field) == (ErrorCode.FILE_CHANGED, "source")
    assert caught.value.remedy


@pytest.mark.parametrize("asked", [song(), STAMPED, song(stamp=Fraction(-1, 3), digest="")])
def test_it_survives_the_database(asked):
    assert AskedSong.from_json(asked.to_json()) == asked
