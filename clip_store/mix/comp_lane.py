"""One layer of a mix: parts of takes over the song, a stem or silence, with crossfades where they meet.

Read in stretches: memory is what is asked for, however long song and takes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Encoding, Samples, decode_samples, quantise
from clip_store.audio.stored_wave import StoredWave
from clip_store.comp import Comp
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.joins import Join, joins_of
from clip_store.mix.stem_changes import StemStretch, merged
from clip_store.splice import crossfade
from daw_protocol.timeline.span import Span
from model.dsp.offset import OFFSET_SECONDS

_KEPT_JOINS = 64  # a crossfade is read again for each stretch that has a part of it

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Base:
    """What lies below the parts of a lane. start: of its first sample; wave: None for silence.

    stem: of which take it is the sound; "" for the song. bare: where it begins or ends inside the song.
    """

    wave: StoredWave | None
    start: int = 0
    stem: str = ""
    bare: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Change:
    """A stem that is another than it came: adding this to what it is a part of puts it in its place.

    lane: the stem as it stands; stretches: where it is another than it came.
    """

    lane: CompLane
    stretches: tuple[StemStretch, ...]

    def within(self, surface: str | None, span: Span) -> list[tuple[Span, Floats]]:
        """The difference, where the stem is a part of a surface: exact, both are read and subtracted."""
        found = []
        for stretch in self.stretches:
            inside = stretch.span.clipped(span)
            if stretch.surface == surface and inside.length:
                now = self.lane.read(inside).astype(np.float64)
                found.append((inside, now - self.lane.as_it_came(inside)))
        return found


class CompLane:
    """A comp over its base. clips: the audio of its takes, by id; changes: of stems of what plays in it.

    own: what holds base and clips, and so crossfades between them; wide: what holds them with changed stems.
    encoding: of what it reads.
    """

    def __init__(
        self, song: AcceptedSong, comp: Comp, base: Base, clips: Mapping[str, StoredWave],
        own: Encoding, wide: Encoding, channels: int, changes: tuple[Change, ...] = (),
    ) -> None:  # fmt: skip
        self.comp = comp
        self.base = base
        self.changes = changes
        self.joins = joins_of(song, comp, base.stem, base.bare)
        self._song = song
        self._clips = clips
        self._own = own
        self.encoding = wide if changes else own
        self._channels = channels
        self._crossfaded = lru_cache(_KEPT_JOINS)(self._crossfade)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where it is another than its base, in order; none touching another."""
        changed = (stretch.span for change in self.changes for stretch in change.stretches)
        return merged([*(part.span for part in self.comp), *changed])

    @property
    def clipped(self) -> int:
        """Samples of crossfades beyond full scale, which the encoding cut off. Reads all crossfades."""
        below = sum(change.lane.clipped for change in self.changes)
        return below + sum(self._crossfaded(join)[1] for join in self.joins)

    def read(self, span: Span) -> Samples:
        """The samples in a span, [frames, channels]; silence where there is nothing."""
        found = self._of(None, span).astype(self.encoding.dtype)
        for part in self.comp:
            inside = part.span.clipped(span)
            if inside.length:
                found[_slice(inside, span)] = self._of(part.take, inside)
        for join in self.joins:
            inside = join.span.clipped(span)
            if inside.length:
                found[_slice(inside, span)] = self._crossfaded(join)[0][_slice(inside, join.span)]
        return found

    def as_it_came(self, span: Span) -> Floats:
        """The samples of its base."""
        return self._stored(self.base.wave, self.base.start, span)

    def _crossfade(self, join: Join) -> tuple[Samples, int]:
        """The samples of a crossfade, as the encoding has them, and how many of them were clipped."""
        rate = self._song.takes[join.new].rate
        near = round(OFFSET_SECONDS * rate)
        around = join.span.grown(0, near) if join.rising else join.span.grown(near, 0)
        for take in (join.old, join.new):
            around = around.clipped(self._song.region(take)) if take else around
        old, new = (self._of(take, around) for take in (join.old, join.new))
        crossfade(old, new, join.span.length, rate, rising=join.rising)
        changed = any(
            stretch.span.clipped(join.span).length for change in self.changes for stretch in change.stretches
        )
        encoding = self.encoding if changed else self._own
        found, clipped = quantise(new[_slice(join.span, around)], rate, encoding)
        return found.samples, clipped

    def _of(self, take: str | None, span: Span) -> Floats:
        """A take's samples in the span, of the base for None, with their changed stems."""
        wave = self.base.wave if take is None else self._clips[take]
        start = self.base.start if take is None else self._song.starts[take]
        found = self._stored(wave, start, span)
        for change in self.changes:
            for inside, difference in change.within(take, span):
                found[_slice(inside, span)] += difference
        return found

    def _stored(self, wave: StoredWave | None, start: int, span: Span) -> Floats:
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
