"""Several regions and songs as they are typed."""

from pathlib import Path

import pytest

from bridge_server.cli.request_parsers import fields_of
from bridge_server.cli.several import several
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Repaint
from tests.bridge_server.cli.test_parser import parse

REPAINT = BY_NAME["repaint"]


def typed(*words):
    return fields_of(parse("repaint", "song.wav", *words), REPAINT)


@pytest.mark.parametrize(
    ("words", "regions"),
    [
        (("--bars", "17-20,33-36"), ["17-20", "33-36"]),
        (("--bars", "17-20", "--bars", "33-36"), ["17-20", "33-36"]),
        (("--region", "12.5s..16s", "--region", "17|1..21|1"), ["12.5s..16s", "17|1..21|1"]),
        (("--bars", "17-20", "--region", "12,5s..16,5s"), ["17-20", "12,5s..16,5s"]),
    ],
)
def test_options_repeated_or_listed_are_regions(words, regions):
    assert typed(*words) == {"regions": regions}
    assert len(Repaint(**typed(*words)).regions) == 2


def test_a_single_range_of_bars_is_what_it_always_was():
    assert typed("--bars", "17-20") == {"bars": "17-20"}
    assert typed() == {}


def test_several_songs_need_to_be_told_what_is_done_with_them():
    songs = [Path("a.wav"), Path("b.wav")]
    assert several(parse("repaint", "a.wav"), songs[:1]) == {}
    assert several(parse("repaint", "a.wav", "b.wav", "--each"), songs) == {"mode": "each"}
    assert several(parse("repaint", "a.wav", "b.wav", "--together"), songs) == {"mode": "together"}
    with pytest.raises(ProtocolError, match="2 songs are named"):
        several(parse("extract", "a.wav", "b.wav"), songs)
    with pytest.raises(SystemExit):
        parse("extract", "a.wav", "b.wav", "--together")
