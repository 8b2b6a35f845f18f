"""One layer of a mix: parts of takes over the song, or over silence, with crossfades where they meet.

Read in stretches: memory is what is asked for, however long song and takes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Encoding, Samples, decode_samples, quantise
from clip_store.audio.stored_wave import StoredWave
from clip_store.comp import Comp
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.joins import Join, joins_of
from clip_store.splice import crossfade
from daw_protocol.timeline.span import Span
from model.dsp.offset import OFFSET_SECONDS

_KEPT_JOINS = 64  # a crossfade is read again for each stretch that has a part of it


class CompLane:
    """A comp over its base. base: the song, None for silence; clips: the audio of its takes, by id."""

    def __init__(
        self, song: AcceptedSong, comp: Comp, base: StoredWave | None, clips: Mapping[str, StoredWave],
        encoding: Encoding, channels: int,
    ) -> None:  # fmt: skip
        self.comp = comp
        self.joins = joins_of(song, comp)
        self._song = song
        self._base = base
        self._clips = clips
        self._encoding = encoding
        self._channels = channels
        self._crossfaded = lru_cache(_KEPT_JOINS)(self._crossfade)

    @property
    def clipped(self) -> int:
        """Samples of crossfades beyond full scale, which the encoding cut off. Reads all crossfades."""
        return sum(self._crossfaded(join)[1] for join in self.joins)

    def read(self, span: Span) -> Samples:
        """The samples in a span, [frames, channels]; silence where there is nothing."""
        found = self._of(None, span).astype(self._encoding.dtype)
        for part in self.comp:
            inside = part.span.clipped(span)
            if inside.length:
                found[_slice(inside, span)] = self._of(part.take, inside)
        for join in self.joins:
            inside = join.span.clipped(span)
            if inside.length:
                found[_slice(inside, span)] = self._crossfaded(join)[0][_slice(inside, join.span)]
        return found

    def _crossfade(self, join: Join) -> tuple[Samples, int]:
        """The samples of a crossfade, as the encoding has them, and how many of them were clipped."""
        near = round(OFFSET_SECONDS * self._song.takes[join.new].rate)
        around = join.span.grown(0, near) if join.rising else join.span.grown(near, 0)
        for take in (join.old, join.new):
            around = around.clipped(self._song.region(take)) if take else around
        old, new = (self._of(take, around).astype(np.float64) for take in (join.old, join.new))
        rate = self._song.takes[join.new].rate
        crossfade(old, new, join.span.length, rate, rising=join.rising)
        found, clipped = quantise(new[_slice(join.span, around)], rate, self._encoding)
        return found.samples, clipped

    def _of(self, take: str | None, span: Span) -> NDArray[np.float64] | Samples:
        """A take's samples in the span; of the base for None."""
        wave = self._base if take is None else self._clips[take]
        start = 0 if take is None else self._song.starts[take]
        found = np.zeros((span.length, self._channels), np.float64)
        if wave is None:
            return found
        inside = span.clipped(Span(start, start + wave.form.frames))
        if inside.length:
            data = wave.read(inside.start - start, inside.end - start)
            found[_slice(inside, span)] = decode_samples(data, wave.form.channels, wave.form.encoding)
        return found


def _slice(inner: Span, outer: Span) -> slice:
    return slice(inner.start - outer.start, inner.end - outer.start)
