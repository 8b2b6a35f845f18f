"""The engine every installation has: rearranges and accompanies the producer's own material, no network.

This file routes tasks and keeps analyses; what is done to the sound stands in the file of each task.
"""

from __future__ import annotations

import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

from model.engine import (
    Capability,
    EngineDescription,
    Grid,
    OnProgress,
    Progress,
    Rendered,
    RenderRequest,
    ShouldStop,
    Song,
    Task,
    TextLimit,
)
from model.pace import Pace
from model.sketch import captions
from model.sketch import parameters as p
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Analysis, Listening
from model.sketch.band.presets import INSTRUMENTS
from model.sketch.rearrange import complete, repaint
from model.sketch.rearrange.layers import SongStems
from model.sketch.separation.separation_parameters import STEM_NAMES

LABEL = "Sketch"
_WEIGHTS_REMEDY = "Install ACE-Step weights (`takebridge models pull turbo`) and choose the acestep engine."

_NEEDS_WEIGHTS = {
    Task.GENERATE: "Sketch rearranges and accompanies what is there; it cannot make a song from words.",
    Task.LEGO: "Sketch cannot invent a track over a mix.",
    Task.COVER: "Sketch cannot play a song in another style.",
}
_OPTIONS = {
    "soundfont": "For accompany: a SoundFont file (.sf2) to play the band with; needs fluidsynth installed.",
}
_OWN_TASKS = (Task.REPAINT, Task.COMPLETE, Task.ACCOMPANY, Task.EXTRACT)

# What the first accompaniment or extraction would import: up to a second that nobody should wait for then.
_IMPORTED_LATE = (
    "model.sketch.band.accompany",
    "model.sketch.separation.extract",
    "scipy.fft",
    "scipy.ndimage",
    "scipy.signal",
    "soxr",
)

# How much of a first render's progress bar listening takes.
_LISTENING_SHARE = 0.7


class SketchEngine:
    """Implements model.engine.Engine on numpy and scipy."""

    def __init__(self) -> None:
        self._heard: OrderedDict[str, Listening] = OrderedDict()
        self._stems: dict[str, SongStems] = {}
        self._laid: OrderedDict[tuple[str, str], Analysis] = OrderedDict()

    def describe(self) -> EngineDescription:
        """What Sketch does and does not do."""
        own = tuple(Capability(task, True) for task in _OWN_TASKS)
        others = tuple(
            Capability(task, False, reason, _WEIGHTS_REMEDY) for task, reason in _NEEDS_WEIGHTS.items()
        )
        return EngineDescription(
            name="sketch",
            label=LABEL,
            neural=False,
            tasks=own + others,
            layers=captions.LAYERS,
            stems=STEM_NAMES,
            instruments=INSTRUMENTS,
            options=_OPTIONS,
            file_options=tuple(_OPTIONS),
            max_seconds=1200.0,
            lyrics=TextLimit(tokens=0),
        )

    def load(self, progress: OnProgress) -> None:
        """Imports what the first render needs, by listening to a second of noise."""
        progress(Progress("warming up", 0.0))
        for name in _IMPORTED_LATE:
            importlib.import_module(name)
        noise = np.random.default_rng(0).normal(0.0, 0.1, (22050, 1)).astype(np.float32)
        pace = Pace(lambda _: None, lambda: False)
        heard = analysis.listen(Song(noise, 22050, "warm-up"), pace)
        analysis.on_grid(heard, _second_of_beats(), None, pace)
        progress(Progress("warming up", 1.0))

    def unload(self) -> None:
        """Forgets all analyses."""
        self._heard.clear()
        self._laid.clear()
        self._stems.clear()

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine."""
        if request.task in (Task.REPAINT, Task.COMPLETE):
            yield from self._rearrange(request, Pace(progress, should_stop))
        elif request.task is Task.ACCOMPANY:
            from model.sketch.band import accompany

            yield from accompany.render(request, progress, should_stop)
        else:
            assert request.task is Task.EXTRACT, f"{request.task} is described as unavailable"
            from model.sketch.separation import extract

            yield from extract.render(request, progress, should_stop)

    def _rearrange(self, request: RenderRequest, pace: Pace) -> Iterator[Rendered]:
        song = request.required_song
        known = song.digest in self._heard
        share = 0.02 if known else _LISTENING_SHARE
        heard = self._analysis(song, request.grid, request.key, pace.part(0.0, share))
        if request.task is Task.REPAINT:
            stems = self._stems.setdefault(song.digest, SongStems(song))
            yield from repaint.render(request, heard, stems, pace.part(share, 1.0))
        else:
            yield from complete.render(request, heard, pace.part(share, 1.0))

    def _analysis(self, song: Song, grid: Grid, key: str | None, pace: Pace) -> Analysis:
        """The song on this grid, from memory when it was heard before."""
        names = (song.digest, _grid_digest(grid, key))
        if names not in self._laid:
            if song.digest not in self._heard:
                self._heard[song.digest] = analysis.listen(song, pace)
            self._laid[names] = analysis.on_grid(self._heard[song.digest], grid, key, pace)
        self._laid.move_to_end(names)
        self._heard.move_to_end(song.digest)
        self._forget_old()
        return self._laid[names]

    def _forget_old(self) -> None:
        while len(self._heard) > p.KEPT_ANALYSES:
            oldest, _ = self._heard.popitem(last=False)
            self._stems.pop(oldest, None)
            for names in [names for names in self._laid if names[0] == oldest]:
                del self._laid[names]
        while len(self._laid) > 4 * p.KEPT_ANALYSES:
            self._laid.popitem(last=False)


def _grid_digest(grid: Grid, key: str | None) -> str:
    """Names a grid's content, and the key an analysis was made with."""
    digest = hashlib.sha256(repr((grid.unit, key)).encode())
    for array in (grid.seconds, grid.beat_in_bar, grid.bar_beats, grid.bar):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _second_of_beats() -> Grid:
    """A short grid for the warm-up: 240 BPM, one bar."""
    beats = np.arange(5, dtype=np.int64)
    return Grid(beats.astype(np.float64) * 0.25, beats % 4, np.full(5, 4), beats // 4 + 1, np.full(5, 240.0))
