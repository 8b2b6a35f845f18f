"""Whether a request is the same one again."""

import pytest

from bridge_server.jobs.fingerprint import Fingerprint
from daw_protocol.requests import Complete, Repaint

SENT = Repaint(id="id1", source="a.wav", bars="5-6", bpm=120)


def asked(sent=SENT, meant=None):
    return Fingerprint.of(sent, meant or sent)


SAME = [
    Repaint(id="other", source="a.wav", bars="5-6", bpm=120.0),
    Repaint(source="a.wav", bars="5-6", bpm="120", reply_port=9000, token="x", client="left"),
    Repaint(source="a.wav", bars="5-6", bpm="120,0", takes=1.0, strength=0.5),
]
OTHER = [
    Complete(id="id1", source="a.wav", bars="5-6", bpm=120),
    Repaint(id="id1", source="b.wav", bars="5-6", bpm=120),
    Repaint(id="id1", source="a.wav", bars="5-7", bpm=120),
    Repaint(id="id1", source="a.wav", bars="5-6", bpm=120, seed=1),
    Repaint(id="id1"),
]


@pytest.mark.parametrize("request_", SAME, ids=range(len(SAME)))
def test_the_same(request_):
    assert asked(request_).repeats(asked())


@pytest.mark.parametrize("request_", OTHER, ids=range(len(OTHER)))
def test_another_one(request_):
    assert not asked(request_).repeats(asked())
    assert not asked().repeats(asked(request_))


def test_a_bare_request_is_what_the_context_makes_of_it():
    bare = Repaint(id="id1")
    first, second = (Repaint(id="id1", source="a.wav", bars=bars) for bars in ("5-6", "7-8"))
    assert asked(bare, first).repeats(asked(bare, first))
    assert asked(first).repeats(asked(bare, first))
    assert not asked(bare, second).repeats(asked(bare, first))


def test_a_server_that_has_forgotten_the_context_knows_it_by_what_was_sent():
    bare = Repaint(id="id1")
    assert asked(bare).repeats(asked(bare, SENT))


def test_it_survives_its_text():
    found = asked(Repaint(), SENT)
    assert Fingerprint.from_text(str(found)) == found
