"""A take as one hears it: in its song. A repaint takes the region's place, a backing plays along, a stem is alone."""

from __future__ import annotations

import enum

import numpy as np

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.splice import stretch
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.timeline import Span


class Part(enum.Enum):
    """How a clip and its song go together."""

    WHOLE = "whole"  # there is no song: the clip is one
    REPLACES = "replaces"  # takes the region's place
    BESIDE = "beside"  # plays along with the song
    ALONE = "alone"  # is part of the song already; plays alone


def part_of(take: Take) -> Part:
    """How this take plays with its song."""
    if take.parent is None:
        return Part.WHOLE
    if take.result is not None:
        return Part.REPLACES
    return Part.ALONE if take.task == "extract" else Part.BESIDE


def heard(store: ClipStore, take: Take) -> Audio:
    """The whole song with the take. Slow, for a thread. Raises StoreError when audio is missing."""
    part = part_of(take)
    if part is Part.WHOLE or take.parent is None:
        return store.blobs.get(take.audio)
    if part is Part.REPLACES:
        return store.song_with(take)
    song, clip = store.blobs.get(take.parent), store.blobs.get(take.audio)
    return laid_over(silent(song) if part is Part.ALONE else song, clip, take.start)


def silent(song: Audio) -> Audio:
    """Silence as long as the song."""
    return Audio(np.zeros_like(song.samples), song.rate, song.encoding)


def laid_over(song: Audio, clip: Audio, start: int) -> Audio:
    """Song and clip at once, as float, so that nothing clips; longer than the song where the clip continues.

    start: of the clip, in samples from the song's first; 0 or more.
    """
    whole = stretch(song, Span(0, max(song.frames, start + clip.frames)))
    whole[start : start + clip.frames] += clip.samples
    return quantise(whole.astype(np.float32), song.rate, Encoding.FLOAT).audio
