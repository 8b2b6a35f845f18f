"""A take as one hears it: in its song. A repaint has taken the region's place; a backing plays along."""

from __future__ import annotations

import numpy as np

from clip_store.audio import Audio, Encoding, quantise
from clip_store.splice import stretch
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.timeline import Span


def heard(store: ClipStore, take: Take) -> Audio:
    """The whole song with the take. Slow, for a thread. Raises StoreError when audio is missing."""
    if take.parent is None:
        return store.blobs.get(take.audio)
    if take.result is not None:
        return store.song_with(take)
    return laid_over(store.blobs.get(take.parent), store.blobs.get(take.audio), take.start)


def laid_over(song: Audio, clip: Audio, start: int) -> Audio:
    """Song and clip at once, as float, so that nothing clips; longer than the song where the clip goes on.

    start: of the clip, in samples from the song's first; 0 or more.
    """
    whole = stretch(song, Span(0, max(song.frames, start + clip.frames)))
    whole[start : start + clip.frames] += clip.samples
    return quantise(whole.astype(np.float32), song.rate, Encoding.FLOAT).audio
