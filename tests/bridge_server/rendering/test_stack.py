"""Tracks side by side: where each lies, and what they sound like together."""

import numpy as np
import pytest

from bridge_server.rendering.stack import frames_of, in_order, plan_of_stack, stacked, sum_of
from bridge_server.songs.sources import Song
from clip_store.audio.audio import Audio, Encoding
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Repaint

RATE = 48_000


def song(frames, channels, level):
    audio = Audio(np.full((frames, channels), level, np.float32), RATE, Encoding.FLOAT)
    return Song("song", audio, audio.digest)


LONG, LATER = song(9000, 2, 0.25), song(5000, 1, 0.5)


def request(**changes):
    tracks = [
        {"source": "a.wav", "source_position": 1000},
        {"source": "b.wav", "source_position": 3000, "title": "Bass"},
    ]
    return Repaint(
        **{"tracks": tracks, "mode": "together", "start": 4000, "end": 6000, "bpm": 120, **changes}
    )


def test_each_track_lies_where_it_belongs_with_channels_of_its_own():
    stack = stacked(request(), (LONG, LATER))
    assert [(track.number, track.start, track.channels) for track in stack] == [
        (1, 0, slice(0, 2)),
        (2, 2000, slice(2, 3)),
    ]
    assert [track.plan.region_in_song.start for track in stack] == [3000, 1000]
    assert [track.song.name for track in stack] == ["song", "Bass"]
    assert frames_of(stack) == 9000
    assert [(track.digest, track.start) for track in in_order(stack)] == [
        (LONG.digest, 0),
        (LATER.digest, 2000),
    ]


def test_the_plan_of_all_channels_counts_from_the_first_track():
    stack = stacked(request(), (LONG, LATER))
    plan = plan_of_stack(request(), stack)
    assert (plan.channels, plan.rate, plan.region_in_song.start, plan.region.start) == (3, RATE, 3000, 4000)
    assert plan.request == request()


def test_a_mono_track_sounds_on_both_sides_of_the_sum():
    total = sum_of(stacked(request(), (LONG, LATER))).samples
    assert total.shape == (9000, 2)
    assert np.all(total[:2000] == 0.25)
    assert np.all(total[2000:7000] == 0.75)


def test_a_track_without_all_of_the_region_is_refused():
    with pytest.raises(ProtocolError, match="after the song's end"):
        stacked(request(start=7000, end=9500), (LONG, LATER))
