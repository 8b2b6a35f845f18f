"""Songs that were separated into stems, and takes of these: spliced as the bridge splices them, in a few samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_mix import SongMix
from clip_store.splice import splice, with_clip
from clip_store.take import Take
from daw_protocol.recipe import HeardSong
from daw_protocol.timeline.span import Span
from tests.clip_store.exports.songs import Shelf
from tests.clip_store.sounds import noise

FADE = 96  # 12 ms at 8 kHz


def separated(made: Shelf, song: str, start: int, length: int, *names: str, at: int = 0) -> list[Take]:
    """Stems of a stretch of a stored song, in floats, that add up to it. at: of that song's first sample."""
    source = made.store.blobs.get(song).samples[start : start + length].astype(np.float64)
    found, left = [], source
    for number, name in enumerate(names, 1):
        share = (
            left if number == len(names) else left * 0.5 + noise(length, source.shape[1], 0.05, 70 + number)
        )
        left = left - share
        clip = quantise(share, made.rate, Encoding.FLOAT).audio
        found.append(
            kept(made, song, start, clip, task="extract", stem=name, job=f"{song[:4]} {start}", at=at)
        )
    return found


def kept(made: Shelf, song: str, start: int, clip: Audio, at: int = 0, **changes: Any) -> Take:
    """A take with this clip. at: of its song's first sample, from the shelf's song."""
    take = made.add(0, clip.frames, parent=song, **changes)
    made.connection.execute("DELETE FROM take WHERE id = ?", (take.id,))
    take = replace(take, audio=clip.digest, start=start, position=made.position + at + start)
    made.store.keep(take, clip)
    return take


def repainted(
    made: Shelf, song: str, start: int, length: int, at: int = 0, heard: HeardSong | None = None, level: float = 0.2,
) -> Take:  # fmt: skip
    """A take of a stored song, or of what was heard of it, with its crossfades in the clip."""
    base = made.store.blobs.get(heard.digest if heard else song)
    render = noise(length, base.channels, level, 500 + made.made).astype(np.float32)
    clip = splice(base, render, Span(start, start + length), FADE).clip
    result = with_clip(base, clip, start)
    made.store.blobs.put(result)
    take = kept(made, song, start, clip, at, result=result.digest)
    if heard is not None:
        made.connection.execute("DELETE FROM take WHERE id = ?", (take.id,))
        take = replace(take, recipe=take.recipe.evolve(heard=heard))
        made.store.keep(take, clip)
    return take


def mix_of(made: Shelf) -> SongMix:
    return SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)


def whole(made: Shelf) -> NDArray[Any]:
    """All of the song as it stands."""
    mix = mix_of(made)
    return np.concatenate([block.samples for block in mix.blocks()])


def exact(made: Shelf, digest: str) -> NDArray[np.float64]:
    """Stored samples, to sum up."""
    return made.store.blobs.get(digest).samples.astype(np.float64)
