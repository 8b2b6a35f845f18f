from __future__ import annotations

from fractions import Fraction

import pytest

from bridge_server.songs.placement import ADVICE, Placement, placed
from bridge_server.songs.song_probe import SongProbe
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import AtSample, AtSeconds

REGION = ProtocolError(ErrorCode.BAD_REGION, "It starts before the song.", "Start later.", "start")


def probe(stamp: Fraction | None) -> SongProbe:
    return SongProbe(96_000, 48_000, 2, stamp=stamp)


@pytest.mark.parametrize(
    ("given", "stamp", "position"),
    [
        (None, None, None),
        (None, Fraction(8), AtSample(384_000)),
        (None, Fraction(-1), AtSample(-48_000)),
        (None, Fraction(1, 44_100), AtSeconds(Fraction(1, 44_100))),  # between two samples of the project
        (AtSample(0), Fraction(8), AtSample(0)),
        (AtSample(5), None, AtSample(5)),
        (None, Fraction(10**9), None),
    ],
)
def test_where_a_song_lies(given, stamp, position):
    assert placed(given, probe(stamp)).position == position


def test_what_the_producer_learns():
    assert placed(None, probe(None)).note == ""
    assert placed(AtSample(0), probe(Fraction(8))).note == ""
    assert "starts 8.000 s after the project's start" in placed(None, probe(Fraction(8))).note
    assert "starts 0.500 s before the project's start" in placed(None, probe(Fraction(-1, 2))).note
    assert "source_position" in placed(None, probe(Fraction(10**9))).note


def test_a_stamp_explains_a_region_that_misses_the_song():
    stamped = placed(None, probe(Fraction(8)))
    assert stamped.explained(REGION).remedy == f"Start later. {stamped.fact} {ADVICE}"
    assert stamped.explained(REGION, "Say where bar 1 is.").remedy.endswith("start. Say where bar 1 is.")
    assert Placement().explained(REGION) is REGION
    other = ProtocolError(ErrorCode.QUEUE_FULL, "Full.", "Wait.")
    assert stamped.explained(other) is other
