"""Which part of the sound is re-rendered and which stays: the whole song, or stems separated on demand.

Only the frames a take uses are separated: the region and its source bars, not the whole song.
"""

from __future__ import annotations

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


class SongStems:
    """A song separated span by span, as takes need it; outlives a take, so the next one is fast."""

    def __init__(self, song: Song) -> None:
        self._song = song
        self._spans: list[tuple[int, int, Stems]] = []

    def over(self, first: int, last: int, pace: Pace) -> tuple[int, Stems]:
        """The start frame and the stems of a span that contains the song's frames [first, last).

        Raises RenderStopped on cancellation.
        """
        first, last = max(first, 0), min(last, self._song.frames)
        for start, end, stems in self._spans:
            if start <= first and last <= end:
                return start, stems
        margin = round(p.SEPARATION_MARGIN_SECONDS * self._song.rate)
        start = min(max(first - margin, 0), self._song.frames)
        end = max(min(last + margin, self._song.frames), start)
        stems = separation.separate(
            self._song.samples[start:end], self._song.rate, lambda _: None, pace.stops
        )
        self._spans.append((start, end, stems))
        del self._spans[: -p.KEPT_SPANS]
        return start, stems


class StemSong:
    """One layer of a song, as Material.

    vocal_share, has_vocal: the largest vocal found in the spans requested so far.
    """

    def __init__(self, stems: SongStems, layer: Layer, pace: Pace) -> None:
        self._stems = stems
        self._layer = layer
        self._pace = pace
        self.vocal_share = 0.0
        self.has_vocal = False

    def moving(self, first: int, last: int) -> Tape:
        """See Material. Raises RenderStopped on cancellation."""
        start, stems = self._stems.over(first, last, self._pace)
        self.vocal_share = max(self.vocal_share, stems.vocal_share)
        self.has_vocal = self.has_vocal or stems.has_vocal
        return Moved(self._layer.moving(stems), -start)
