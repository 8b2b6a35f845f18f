"""Another take of a region, made of the song's own beats: same place in the bar and harmony, other audio."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from model.engine import Rendered, RenderRequest, Report
from model.sketch import assemble, loudness, novelty, passage, plan
from model.sketch import parameters as p
from model.sketch.analysis import Analysis
from model.sketch.pace import Pace
from model.sketch.passage import Passage
from model.sketch.plan import Targets

METHOD = (
    "Sketch: another take of this passage, put together from other beats of the same song "
    "(no neural network, no new material)."
)


def render(request: RenderRequest, analysis: Analysis, pace: Pace) -> Iterator[Rendered]:
    """Renders a REPAINT. Raises CannotRender when too little song is left outside the region."""
    song = passage.song_of(request)
    part = passage.passage_of(request, song, analysis)
    passage.require_sources(part, p.LEAST_SOURCE_BARS)
    pace.at("choosing bars", 0.0)
    path, correlation = choose_beats(part, pace)
    pace.at("joining them", 0.7)
    runs = plan.runs_of(part.targets, path)
    segments = assemble.segments_of(runs, analysis.beats, song.samples, request.rate, pace.check)
    limit = p.GAIN_LIMIT_AT_START_DB if request.start <= 0 else p.GAIN_LIMIT_DB
    finished = passage.finish(part, segments, wanted_lufs(part), limit, pace.part(0.8, 1.0))
    yield from finished.pieces
    figures = {
        **passage.common_figures(part, runs),
        "correlation_with_replaced": round(float(correlation.mean()), 3),
        **finished.figures,
    }
    pace.at("done", 1.0)
    yield Report(METHOD, figures, notes_of(part))


def choose_beats(part: Passage, pace: Pace) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Source beat for each target beat, and each one's correlation with the beat it replaces."""
    beats, request = part.analysis.beats, part.request
    targets = Targets(part.targets, part.targets)
    level_cost = p.LEVEL_COST_AT_START if request.start <= 0 else p.LEVEL_COST
    same_place = beats.position[part.targets][:, None] == beats.position[part.sources][None]
    alike = novelty.correlations(
        part.analysis.heard.edges, beats.seconds, part.targets, part.sources, same_place, pace.check
    )
    pace.at("choosing bars", 0.5)
    unary = (
        plan.place_costs(beats, targets, part.sources)
        + plan.likeness_costs(beats, targets, part.sources, level_cost)
        + plan.similarity_costs(alike, request.strength)
        + plan.texture_costs(beats, targets, part.sources, part.around)
        + plan.noise_costs(beats, targets, part.sources, request.seed)
    )
    entry, leave = plan.edge_costs(beats, part.sources, part.around)
    unary[0] += entry
    unary[-1] += leave
    jump = plan.jump_costs(beats, part.sources)
    path = plan.distinct_path(beats, part.sources, unary, jump, request.take, pace.check)
    column = np.searchsorted(part.sources, path)
    return path, alike[np.arange(len(path)), column]


def wanted_lufs(part: Passage) -> float:
    """Loudness of what is replaced, or of its surroundings where that is silence."""
    song, request = part.song, part.request
    old = loudness.integrated(song.samples[max(request.start, 0) : max(request.end, 0)], request.rate)
    return old if old > p.SILENT_LUFS and not part.region_was_silent else passage.context_lufs(part)


def notes_of(part: Passage) -> tuple[str, ...]:
    """What the producer should know about this region."""
    notes = []
    if part.length_beats < p.HALF_BEAT_WARNING:
        notes.append("The region is too short to repaint musically: it holds less than half a beat.")
    return tuple(notes)
