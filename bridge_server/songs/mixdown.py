"""A take in its song as one audio file: a repaint in the region's place, a backing playing along, a stem alone."""

from __future__ import annotations

import numpy as np

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.splice import stretch
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.tasks import TASKS, Placement
from daw_protocol.timeline import Span


def placement_of(take: Take) -> Placement:
    """How the take and its song are played together."""
    return Placement.NEW if take.parent is None else TASKS[take.task].placement


def song_with_take(store: ClipStore, take: Take) -> Audio:
    """The whole song with the take. Slow, for a thread. Raises StoreError when audio is missing."""
    if take.parent is None or TASKS[take.task].spliced:
        return store.song_with(take)
    song, clip = store.blobs.get(take.parent), store.blobs.get(take.audio)
    return laid_over(song, clip, take.start, placement_of(take))


def laid_over(song: Audio, clip: Audio, start: int, placement: Placement) -> Audio:
    """Song and clip as `placement` says, as float, so that nothing clips; longer than the song where the clip goes on.

    start: of the clip, in samples from the song's first; 0 or more.
    """
    whole = stretch(song, Span(0, max(song.frames, start + clip.frames)))
    if placement is Placement.ALONE:
        whole[:] = 0
    if placement is Placement.REPLACES:
        whole[start : start + clip.frames] = 0
    whole[start : start + clip.frames] += clip.samples
    return quantise(whole.astype(np.float32), song.rate, Encoding.FLOAT).audio
