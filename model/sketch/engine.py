"""The engine of every installation: rearranges and accompanies the producer's own material, without a neural network.

This file dispatches tasks and caches analyses; each task has its own module.
"""

from __future__ import annotations

import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.ears import LABEL, CannotHear, Ears, HeardBeats
from model.engine import (
    Capability,
    EngineDescription,
    Grid,
    OnProgress,
    Progress,
    Rendered,
    RenderRequest,
    Report,
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
from model.sketch.band.style import VOCABULARY as BAND
from model.sketch.rearrange import complete, repaint
from model.sketch.rearrange.layers import SongStems
from model.sketch.separation.separation_parameters import STEM_NAMES
from model.sketch.separation.span_separation import SpanSeparation
from model.takes_in_order import takes_in_order

_WEIGHTS_REMEDY = "Install ACE-Step weights (`takebridge models pull {}`) and choose the acestep engine."
_GETS = {Task.LEGO: "base", Task.PLAN: "planner-1.7b", Task.REWRITE: "planner-1.7b"}
"""What else to install than the small turbo model, for tasks it cannot do alone either."""

_NEEDS_WEIGHTS = {
    Task.GENERATE: "Sketch rearranges and accompanies existing audio; it cannot generate a song from a prompt.",
    Task.LEGO: "Sketch cannot add a new track to a mix.",
    Task.COVER: "Sketch cannot turn a song into another style.",
    Task.PLAN: "Sketch cannot plan a song: that takes the planner of ACE-Step.",
    Task.REWRITE: "Sketch cannot rewrite a prompt: that takes the planner of ACE-Step.",
}
_OPTIONS = {
    "soundfont": "For accompany: a SoundFont file (.sf2) for the band's sounds; needs fluidsynth installed.",
}
_OWN_TASKS = (Task.REPAINT, Task.COMPLETE, Task.ACCOMPANY, Task.EXTRACT, Task.ANALYSE)

_WORDS = {
    Task.REPAINT: captions.REPAINT,
    Task.COMPLETE: captions.COMPLETE,
    Task.ACCOMPANY: BAND,
    Task.EXTRACT: captions.NOTHING,
    Task.ANALYSE: captions.NOTHING,
}
_HINTS = {
    Task.REPAINT: "no drums, drums only, keep vocals, drum fill; brighter or darker, busier or sparser",
    Task.COMPLETE: "ending; brighter or darker, busier or sparser",
    Task.ACCOMPANY: "pop, ballad, rock, folk, lofi or waltz; no drums, with guitar; sparse, half-time",
}

# Imports of the first accompaniment or extraction take up to a second; `load` does them in advance.
_IMPORTED_LATE = (
    "model.sketch.band.accompany",
    "model.sketch.separation.extract",
    "model.sketch.survey.heard_beats",
    "model.sketch.survey.survey",
    "scipy.fft",
    "scipy.ndimage",
    "scipy.signal",
    "soxr",
)

# Share of a first render's progress bar that the analysis takes.
_ANALYSIS_SHARE = 0.7
# Share of what follows that the network takes which listens for beats, where it is installed.
_EARS_SHARE = 0.8


SEPARATIONS = ("auto", "rules")


@dataclass(frozen=True)
class SketchConfig:
    """How the engine was set up (model/engine_config.py).

    separators: the folder of models; a separation network in it separates the layers.
    device:     where the network runs: "auto", "cuda", "cuda:1", "xpu", "mps" or "cpu".
    separation: "auto", or "rules" to separate without a network even where one is.
    """

    separators: str = ""
    device: str = "auto"
    separation: str = "auto"

    def __post_init__(self) -> None:
        if self.separation not in SEPARATIONS:
            raise ValueError(f"separation must be {' or '.join(SEPARATIONS)}, got {self.separation!r}")


class SketchEngine:
    """Implements model.engine.Engine on numpy and scipy."""

    config_type = SketchConfig

    def __init__(self, config: SketchConfig = SketchConfig()) -> None:
        self._listenings: OrderedDict[str, Listening] = OrderedDict()
        self._ears = Ears()
        models = Path(config.separators) if config.separators and config.separation == "auto" else None
        self._separation = SpanSeparation(models, config.device)
        self._stems: dict[
            tuple[str, str], SongStems
        ] = {}  # by song and separation network: no take mixes two
        self._analyses: OrderedDict[tuple[str, str], Analysis] = OrderedDict()

    def describe(self) -> EngineDescription:
        """What Sketch offers, and why the other tasks are unavailable."""
        own = tuple(Capability(task, True) for task in _OWN_TASKS)
        others = tuple(
            Capability(task, False, reason, _WEIGHTS_REMEDY.format(_GETS.get(task, "turbo")))
            for task, reason in _NEEDS_WEIGHTS.items()
        )
        return EngineDescription(
            name="sketch",
            label=captions.LABEL,
            neural=False,
            tasks=own + others,
            layers=captions.LAYERS,
            stems=STEM_NAMES,
            instruments=INSTRUMENTS,
            follows_chords=True,
            options=_OPTIONS,
            file_options=tuple(_OPTIONS),
            max_seconds=1200.0,
            lyrics=TextLimit(tokens=0),
            words=_WORDS,
            hints=_HINTS,
            max_channels=p.MAX_CHANNELS,
        )

    def load(self, progress: OnProgress) -> None:
        """Imports what the first render needs, by analysing a second of noise."""
        progress(Progress("warming up", 0.0))
        for name in _IMPORTED_LATE:
            importlib.import_module(name)
        noise = np.random.default_rng(0).normal(0.0, 0.1, (22050, 1)).astype(np.float32)
        pace = Pace(lambda _: None, lambda: False)
        listening = analysis.listen(Song(noise, 22050, "warm-up"), pace)
        analysis.on_grid(listening, _second_of_beats(), None, pace)
        progress(Progress("warming up", 1.0))

    def unload(self) -> None:
        """Drops all cached analyses."""
        self._listenings.clear()
        self._analyses.clear()
        self._stems.clear()
        self._separation.forget()

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. Takes share the song's analysis and are rendered one after the other."""
        yield from takes_in_order(
            request, progress, lambda one, report: self._render_one(one, report, should_stop)
        )

    def _render_one(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        if request.task in (Task.REPAINT, Task.COMPLETE):
            yield from self._rearrange(request, Pace(progress, should_stop))
        elif request.task is Task.ANALYSE:
            yield from self._survey(request.required_song, Pace(progress, should_stop))
        elif request.task is Task.ACCOMPANY:
            from model.sketch.band import accompany

            yield from accompany.render(request, progress, should_stop, self._separation.by_network)
        else:
            assert request.task is Task.EXTRACT, f"{request.task} is described as unavailable"
            from model.sketch.separation import extract

            yield from extract.render(request, progress, should_stop)

    def _rearrange(self, request: RenderRequest, pace: Pace) -> Iterator[Rendered]:
        song = request.required_song
        known = song.digest in self._listenings
        share = 0.02 if known else _ANALYSIS_SHARE
        song_analysis = self._analysis(song, request.grid, request.key, pace.part(0.0, share))
        if request.task is Task.REPAINT:
            stems = self._stems.setdefault(
                (song.digest, self._separation.network), SongStems(song, self._separation)
            )
            yield from repaint.render(request, song_analysis, stems, pace.part(share, 1.0))
        else:
            yield from complete.render(request, song_analysis, pace.part(share, 1.0))

    def _survey(self, song: Song, pace: Pace) -> Iterator[Rendered]:
        """Tempo, bars, key and parts of a song, from its audio alone."""
        from model.sketch.survey.survey import METHOD, METHOD_WITH_EARS, survey

        known = song.digest in self._listenings
        share = 0.02 if known else _ANALYSIS_SHARE
        listening = self._listening(song, pace.part(0.0, share))
        ears_share = share + _EARS_SHARE * (1.0 - share)
        heard, notes = self._heard(listening, pace.part(share, ears_share))
        found = survey(listening, pace.part(ears_share if heard else share, 1.0), heard)
        self._forget_old()
        yield found
        yield Report(METHOD_WITH_EARS if heard else METHOD, notes=notes)

    def _heard(self, listening: Listening, pace: Pace) -> tuple[HeardBeats | None, tuple[str, ...]]:
        """The beats of the optional tracker; None where there are none to go by, with what the producer should know."""
        from model.sketch.survey.heard_beats import usable

        try:
            heard = self._ears.hear(listening.mono, p.ANALYSIS_RATE, pace)
        except CannotHear as missing:
            return None, (missing.note,) if missing.note else ()
        if usable(heard.beats, listening.seconds):
            return heard, ()
        return None, (
            f"{LABEL} heard no even beats in this song, so the embedded analysis found tempo and bars.",
        )

    def _listening(self, song: Song, pace: Pace) -> Listening:
        """The analysis of the song's audio, from the cache if it is there."""
        if song.digest not in self._listenings:
            self._listenings[song.digest] = analysis.listen(song, pace)
        self._listenings.move_to_end(song.digest)
        return self._listenings[song.digest]

    def _analysis(self, song: Song, grid: Grid, key: str | None, pace: Pace) -> Analysis:
        """The song's analysis on this grid, from the cache if it is there."""
        names = (song.digest, _grid_digest(grid, key))
        if names not in self._analyses:
            self._analyses[names] = analysis.on_grid(self._listening(song, pace), grid, key, pace)
        self._analyses.move_to_end(names)
        self._listenings.move_to_end(song.digest)
        self._forget_old()
        return self._analyses[names]

    def _forget_old(self) -> None:
        while len(self._listenings) > p.KEPT_ANALYSES:
            oldest, _ = self._listenings.popitem(last=False)
            for kept in (self._stems, self._analyses):
                for names in [names for names in kept if names[0] == oldest]:
                    del kept[names]
        while len(self._analyses) > 4 * p.KEPT_ANALYSES:
            self._analyses.popitem(last=False)


def _grid_digest(grid: Grid, key: str | None) -> str:
    """Cache key of a grid's content and the key signature of the analysis."""
    digest = hashlib.sha256(repr((grid.unit, key)).encode())
    for array in (grid.seconds, grid.beat_in_bar, grid.bar_beats, grid.bar):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _second_of_beats() -> Grid:
    """A short grid for the warm-up: 240 BPM, one bar."""
    beats = np.arange(5, dtype=np.int64)
    return Grid(beats.astype(np.float64) * 0.25, beats % 4, np.full(5, 4), beats // 4 + 1, np.full(5, 240.0))
