"""Tracks that are rendered together: an engine gets the channels of all of them as one song, and each its share back.

The engine chooses on the sum of the tracks, as its listeners hear it, and does the same to every channel. So the tracks
keep fitting each other, and the takes of one number sum to a take of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bridge_server.engines.messages import StackedTrack
from bridge_server.rendering.plan import Plan, plan_request
from bridge_server.rendering.song_shape import song_shape
from bridge_server.songs.song_probe import SongProbe
from bridge_server.songs.sources import Song
from clip_store.audio.audio import Audio, Encoding
from daw_protocol.requests import Render
from daw_protocol.requests.parts import parts_of
from daw_protocol.requests.tracks import EACH
from daw_protocol.timeline import AtSample


@dataclass(frozen=True)
class StackedSong:
    """One track of a stack.

    plan:    where the region lies in it; its request is that of all tracks.
    start:   of its first frame in the stack.
    channel: the first of its channels there.
    number:  of the track in the request, from 1.
    """

    song: Song
    plan: Plan
    start: int
    channel: int
    number: int

    @property
    def channels(self) -> slice:
        """Its channels in the stack."""
        return slice(self.channel, self.channel + self.song.audio.channels)


def stacked(request: Render, songs: Sequence[Song]) -> tuple[StackedSong, ...]:
    """The tracks of a part with one region, in their places. Raises ProtocolError for one without all of the region."""
    alone = parts_of(request.evolve(mode=EACH))
    plans = [
        replace(plan_request(part.request, song_shape(song.audio)), request=request)
        for part, song in zip(alone, songs, strict=True)
    ]
    named = [
        replace(song, name=part.request.title or song.name) for part, song in zip(alone, songs, strict=True)
    ]
    places = [plan.song.start for plan in plans if plan.song is not None]
    channels = np.cumsum([0, *(song.audio.channels for song in songs)])
    return tuple(
        StackedSong(song, plan, place - min(places), int(channel), number)
        for number, (song, plan, place, channel) in enumerate(
            zip(named, plans, places, channels, strict=False), 1
        )
    )


def plan_of_stack(request: Render, stack: Sequence[StackedSong]) -> Plan:
    """The plan for all channels at once."""
    first = stack[0].plan
    assert first.song is not None, "every track has a song"
    channels = sum(track.song.audio.channels for track in stack)
    lying = request.evolve(
        tracks=None, mode=EACH, source_position=AtSample(first.song.start - stack[0].start)
    )
    plan = plan_request(lying, SongProbe(frames_of(stack), first.rate, channels))
    return replace(plan, request=request)


def frames_of(stack: Sequence[StackedSong]) -> int:
    """Frames from the first track's beginning to the last one's end."""
    return max(track.start + track.song.audio.frames for track in stack)


def in_order(stack: Sequence[StackedSong]) -> tuple[StackedTrack, ...]:
    """The tracks as an engine's process finds them."""
    return tuple(StackedTrack(track.song.digest, track.start) for track in stack)


def sum_of(stack: Sequence[StackedSong]) -> Audio:
    """What the tracks sound like together."""
    channels = max(track.song.audio.channels for track in stack)
    total = np.zeros((frames_of(stack), channels))
    for track in stack:
        total[track.start : track.start + track.song.audio.frames] += track.song.audio.samples
    return Audio(total.astype(np.float32), stack[0].plan.rate, Encoding.FLOAT)
