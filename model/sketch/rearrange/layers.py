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
from model.sketch.separation.generous_voice import generous_voice
from model.sketch.separation.separation import Stems
from model.sketch.separation.separation_parameters import STEM_NAMES
from model.sketch.separation.span_separation import SeparateSpan, by_rules


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

    moving: takes the re-rendered part from the stems at a rate, and may be cancelled.
    keeps_rest: the rest of the region stays unchanged.
    """

    moving: Callable[[Stems, int, Pace], Samples]
    keeps_rest: bool


def _without_drums(stems: Stems, rate: int, pace: Pace) -> Samples:  # noqa: ARG001  (as the others)
    return remainder_of(stems, stems.drums)


def _drums(stems: Stems, rate: int, pace: Pace) -> Samples:  # noqa: ARG001  (as the others)
    return stems.drums


def _without_voice(stems: Stems, rate: int, pace: Pace) -> Samples:
    # Rules leave in the band what it shares with the voice; a network has learnt whose it is.
    voice = stems.vocals if stems.by else generous_voice(stems, rate, pace.check)
    return remainder_of(stems, voice)


def remainder_of(stems: Stems, part: Samples) -> Samples:
    """All stems together less a part of them."""
    whole = np.sum([stems.named(name) for name in STEM_NAMES], axis=0, dtype=np.float64)
    return np.asarray(whole - part, dtype=np.float32)


LAYERS = {
    "keep vocals": Layer(_without_voice, keeps_rest=True),
    "drums only": Layer(_drums, keeps_rest=True),
    "fill": Layer(_drums, keeps_rest=True),
    "no drums": Layer(_without_drums, keeps_rest=False),
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

    def __init__(self, song: Song, separate: SeparateSpan = by_rules) -> None:
        self._song = song
        self._separate = separate
        self._spans: OrderedDict[tuple[int, int], SeparatedSpan] = OrderedDict()

    @property
    def rate(self) -> int:
        """Frames per second."""
        return self._song.rate

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
            self._spans[start, end] = SeparatedSpan(start, end, self._separate(self._song, start, end, pace))
        self._spans.move_to_end((start, end))
        while len(self._spans) > p.KEPT_SPANS:
            self._spans.popitem(last=False)
        return self._spans[start, end]


class StemSong:
    """One layer of a song, as Material, for one take."""

    def __init__(self, stems: SongStems, layer: Layer, pace: Pace) -> None:
        self._stems = stems
        self._layer = layer
        self._pace = pace
        self._own: list[SeparatedSpan] = []  # in the order in which this take asked for them
        self._moving: dict[tuple[int, int], Samples] = {}

    def moving(self, first: int, last: int) -> Tape:
        """See Material. Raises RenderStopped on cancellation."""
        span = self._span(*self._stems.clipped(first, last))
        if (span.start, span.end) not in self._moving:
            self._moving[span.start, span.end] = self._layer.moving(span.stems, self._stems.rate, self._pace)
        return Moved(self._moving[span.start, span.end], -span.start)

    def stems_of(self, first: int, last: int) -> Stems:
        """The separation that the song's frames [first, last) are taken from. Raises RenderStopped on cancellation."""
        return self._span(*self._stems.clipped(first, last)).stems

    def _span(self, first: int, last: int) -> SeparatedSpan:
        """A span of this take that contains the frames [first, last): never one that only other takes asked for."""
        for known in self._own:
            if known.covers(first, last):
                return known
        self._own.append(self._stems.around(first, last, self._pace))
        for forgotten in self._own[: -p.KEPT_SPANS]:
            self._moving.pop((forgotten.start, forgotten.end), None)
        del self._own[: -p.KEPT_SPANS]
        return self._own[-1]
