"""Which part of the sound is re-rendered and which stays: the whole song, or stems separated on demand.

Only the frames a take uses are separated: the region and its source bars, not the whole song.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.engine import Samples, Song
from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.rearrange.tape import Moved, Tape
from model.sketch.separation import separation
from model.sketch.separation.separation import Stems
from model.sketch.separation.separation_parameters import STEM_NAMES


class Material(Protocol):
    """The audio a take is cut from."""

    def moving(self, first: int, last: int) -> Tape:
        """The part that is re-rendered, for the song's frames [first, last), on the song's timeline."""
        ...


@dataclass(frozen=True)
class WholeSong:
    """Everything is re-rendered."""

    samples: Samples

    def moving(self, first: int, last: int) -> Tape:  # noqa: ARG002  (the whole song covers any frames)
        """The song itself."""
        return Moved(self.samples)


@dataclass(frozen=True)
class Layer:
    """A way to divide the sound.

    moving: takes the re-rendered part from the stems; keeps_rest: the rest of the region stays unchanged.
    """

    moving: Callable[[Stems], Samples]
    keeps_rest: bool


def _without(*names: str) -> Callable[[Stems], Samples]:
    def rest(stems: Stems) -> Samples:
        kept = [stems.named(name) for name in STEM_NAMES if name not in names]
        return np.asarray(np.sum(kept, axis=0), dtype=np.float32)

    return rest


LAYERS = {
    "keep vocals": Layer(_without("vocals"), keeps_rest=True),
    "drums only": Layer(lambda stems: stems.drums, keeps_rest=True),
    "fill": Layer(lambda stems: stems.drums, keeps_rest=True),
    "no drums": Layer(_without("drums"), keeps_rest=False),
}


@dataclass(frozen=True)
class SeparatedSpan:
    """The stems of the song's frames [start, end)."""

    start: int
    end: int
    stems: Stems

    def covers(self, first: int, last: int) -> bool:
        """Whether it contains the song's frames [first, last)."""
        return self.start <= first and last <= self.end


class SongStems:
    """A song separated span by span, as takes need it; outlives a take, so the next one of the region is fast.

    The separation of a frame depends on the span around it. So a span serves another take only if that take would
    separate exactly the same frames: reusing a larger one would let earlier requests change this one's samples.
    """

    def __init__(self, song: Song) -> None:
        self._song = song
        self._spans: OrderedDict[tuple[int, int], SeparatedSpan] = OrderedDict()

    def clipped(self, first: int, last: int) -> tuple[int, int]:
        """[first, last) without what lies outside the song."""
        return max(first, 0), min(last, self._song.frames)

    def around(self, first: int, last: int, pace: Pace) -> SeparatedSpan:
        """The song's frames [first, last) and a margin, separated; equal frames give equal stems, whatever came before.

        Raises RenderStopped on cancellation.
        """
        margin = round(p.SEPARATION_MARGIN_SECONDS * self._song.rate)
        start = min(max(first - margin, 0), self._song.frames)
        end = max(min(last + margin, self._song.frames), start)
        if (start, end) not in self._spans:
            audio = self._song.samples[start:end]
            stems = separation.separate(audio, self._song.rate, lambda _: None, pace.stops)
            self._spans[start, end] = SeparatedSpan(start, end, stems)
        self._spans.move_to_end((start, end))
        while len(self._spans) > p.KEPT_SPANS:
            self._spans.popitem(last=False)
        return self._spans[start, end]


class StemSong:
    """One layer of a song, as Material, for one take.

    vocal_share, has_vocal: the largest vocal found in the spans requested so far.
    """

    def __init__(self, stems: SongStems, layer: Layer, pace: Pace) -> None:
        self._stems = stems
        self._layer = layer
        self._pace = pace
        self._own: list[SeparatedSpan] = []  # in the order in which this take asked for them
        self.vocal_share = 0.0
        self.has_vocal = False

    def moving(self, first: int, last: int) -> Tape:
        """See Material. Raises RenderStopped on cancellation."""
        span = self._span(*self._stems.clipped(first, last))
        self.vocal_share = max(self.vocal_share, span.stems.vocal_share)
        self.has_vocal = self.has_vocal or span.stems.has_vocal
        return Moved(self._layer.moving(span.stems), -span.start)

    def _span(self, first: int, last: int) -> SeparatedSpan:
        """A span of this take that contains the frames [first, last): never one that only other takes asked for."""
        for known in self._own:
            if known.covers(first, last):
                return known
        self._own.append(self._stems.around(first, last, self._pace))
        del self._own[: -p.KEPT_SPANS]
        return self._own[-1]
