"""The request about a song's tempo."""

import pytest

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import SetSongTempo


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({}, False),
        ({"source": "song.wav", "id": "x"}, False),
        ({"analysed": True}, True),
        ({"shift": -1}, True),
        ({"forget": True}, True),
        ({"bpm": 97.5, "meter": "3/4", "times": 2}, True),
    ],
)
def test_whether_it_only_asks(fields, changes):
    assert SetSongTempo.from_fields(fields).changes is changes


@pytest.mark.parametrize(
    "fields", [{"analysed": True, "bpm": 97}, {"bpm": 97, "taps": "1 2"}, {"midi": "TVRoZA==", "taps": "1 2"}]
)
def test_a_tempo_is_said_once(fields):
    with pytest.raises(ProtocolError, match="defined twice") as refused:
        SetSongTempo.from_fields(fields)
    assert refused.value.code is ErrorCode.OUT_OF_RANGE
