"""Scenes: sides, loop ranges between positions, and what of a render is there."""

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.scene import ORIGINAL, TAKE, Scene, within
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Span, TempoMap
from daw_protocol.timeline.position import AtQuarters, AtSample

RATE = 48000


def scene(**more):
    audio = LayeredAudio(np.zeros((16 * RATE, 2), np.float32), RATE)
    values = {
        "place": "here", "audio": {TAKE: audio}, "origin": 0, "tempo_map": TempoMap.constant(120),
        "loop_range": Span(RATE, 4 * RATE), **more,
    }  # fmt: skip
    return Scene(**values)


def test_a_side_there_is_none_of_plays_the_other():
    assert scene().side(ORIGINAL) == TAKE
    assert scene().rate == RATE


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((None, None), Span(RATE, 4 * RATE)),
        ((AtQuarters(4), None), Span(2 * RATE, 4 * RATE)),
        ((None, AtSample(5 * RATE)), Span(RATE, 5 * RATE)),
    ],
)
def test_positions_narrow_or_widen_the_loop_range(span, expected):
    assert within(scene(), span).loop_range == expected


def test_a_song_loops_only_up_to_an_end_that_is_given():
    song = scene(bounded=False)
    assert not within(song, (AtSample(0), None)).bounded
    assert within(song, (None, AtSample(5 * RATE))).bounded


@pytest.mark.parametrize("span", [(AtSample(4 * RATE), None), (None, AtSample(RATE))])
def test_an_empty_range_is_refused(span):
    with pytest.raises(ProtocolError) as raised:
        within(scene(), span)
    assert raised.value.code is ErrorCode.BAD_REGION
    assert raised.value.field == ("start" if span[0] else "end")


def test_a_render_turns_back_where_it_ends_so_far():
    region = Span(2 * RATE, 4 * RATE)
    assert scene(region=region).loop_end() == 4 * RATE
    assert not scene(region=region).waits
    assert scene(region=region, ready=2 * RATE).waits
    grown = scene(region=region, ready=3 * RATE)
    assert (grown.loop_end(), grown.waits) == (3 * RATE, False)
