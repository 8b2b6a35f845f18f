"""Going on where the song stops, or filling a gap: bars are planned, then played by the song's own beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engine import Piece, Rendered, RenderRequest, Report
from model.sketch import assemble, passage, plan
from model.sketch import parameters as p
from model.sketch.analysis import Analysis
from model.sketch.pace import Pace
from model.sketch.passage import Passage
from model.sketch.plan import Targets

METHOD = (
    "Sketch: a continuation planned bar by bar after the song's own progressions and played by its own beats "
    "(no neural network, no new material)."
)


def render(request: RenderRequest, analysis: Analysis, pace: Pace) -> Iterator[Rendered]:
    """Renders a COMPLETE. Raises CannotRender when the song is too short to go on from."""
    song = passage.song_of(request)
    part = passage.passage_of(request, song, analysis, analysis.heard.seconds + 1.0)
    passage.require_sources(part)
    pace.at("planning bars", 0.0)
    now = last_beat_before(part)
    like = planned_beats(part, now)
    pace.at("choosing beats", 0.3)
    path = realise(part, like, pace)
    pace.at("joining them", 0.7)
    runs = plan.runs_of(part.targets, path)
    segments = assemble.segments_of(runs, analysis.beats, song.samples, request.rate)
    measured: Mapping[str, Any] = {}
    for item in passage.finish(part, segments, passage.context_lufs(part), p.GAIN_LIMIT_DB):
        if isinstance(item, Piece):
            yield item
        else:
            measured = item
    figures = {
        "seed": request.seed,
        "take": request.take,
        "source_bars": passage.bars_text(part, runs),
        "phase_shift_ms": round(1000.0 * analysis.phase.seconds, 1),
        "longest_verbatim_beats": max(run.count for run in runs),
        **measured,
    }
    pace.at("done", 1.0)
    yield Report(METHOD, figures, ())


def last_beat_before(part: Passage) -> int:
    """The last sounding beat before the region: where the song is now."""
    sounding = np.flatnonzero(part.analysis.beats.sounding[: part.targets[0]])
    return int(sounding[-1]) if len(sounding) else int(part.sources[0])


def match_scores(part: Passage, now: int) -> NDArray[np.float64]:
    """How well the song could stand where it is now after each source beat; -inf where it cannot; [beats].

    Compares the beats leading up to `now` with those leading up to each other beat, bar by bar.
    """
    beats = part.analysis.beats
    bar = int(beats.bar_beats[now])
    count = len(beats)
    score = np.zeros(count)
    for back in range(p.MATCH_BARS * bar):
        here = now - back
        if here < 0:
            break
        there = np.maximum(np.arange(count) - back, 0)
        harmony = beats.chord[there] @ beats.chord[here]
        harmony = harmony / np.maximum(np.linalg.norm(beats.chord[there], axis=1), 1e-6)
        timbre = np.linalg.norm(beats.mfcc[there] - beats.mfcc[here], axis=1)
        score += p.MATCH_DECAY ** (back // bar) / bar * (harmony - p.MATCH_TIMBRE * timbre)
    score /= sum(p.MATCH_DECAY**k for k in range(p.MATCH_BARS))
    apart = beats.bar - beats.bar[now]
    score -= p.MATCH_MOD_4 * (apart % 4 != 0) + p.MATCH_MOD_8 * (apart % 8 != 0)
    able = np.zeros(count, dtype=bool)
    able[part.sources] = True
    follows = np.append(able[1:], False)
    score[~(follows & (beats.position == beats.position[now]))] = -np.inf
    return score


def planned_beats(part: Passage, now: int) -> NDArray[np.intp]:
    """For each target beat the beat of the song it should sound like; [T]."""
    request, beats = part.request, part.analysis.beats
    rng = np.random.default_rng(np.random.SeedSequence([request.seed & 0xFFFFFFFFFFFFFFFF, 2, request.take]))
    able = set(part.sources.tolist())
    like: list[int] = []
    while len(like) < len(part.targets):
        here = like[-1] if like else now
        start = _draw(match_scores(part, here), rng, request.strength)
        bar = int(beats.bar_beats[start])
        for j in range(start + 1, start + 1 + bar * int(rng.choice(p.FOLLOW_BARS))):
            if j not in able:
                break
            like.append(j)
    return np.array(like[: len(part.targets)], dtype=np.intp)


def _draw(score: NDArray[np.float64], rng: np.random.Generator, strength: float) -> int:
    """A beat drawn by softmax of its score."""
    if not np.isfinite(score).any():
        return int(rng.integers(0, max(len(score) // 2, 1)))
    temperature = p.DRAW_TEMPERATURE + p.DRAW_TEMPERATURE_STRENGTH * strength
    weight = np.exp((score - score[np.isfinite(score)].max()) / temperature)
    return int(rng.choice(len(score), p=weight / weight.sum()))


def realise(part: Passage, like: NDArray[np.intp], pace: Pace) -> NDArray[np.intp]:
    """Source beats for the planned bars, with no run of the song longer than the cap."""
    beats, request = part.analysis.beats, part.request
    targets = Targets(part.targets, like)
    unary = (
        plan.place_costs(beats, targets, part.sources)
        + plan.likeness_costs(beats, targets, part.sources, p.LEVEL_COST)
        + plan.texture_costs(beats, targets, part.sources, part.around)
        + plan.noise_costs(beats, targets, part.sources, request.seed)
    )
    entry, leave = plan.edge_costs(beats, part.sources, part.around)
    unary[0] += entry
    unary[-1] += leave
    jump = plan.jump_costs(beats, part.sources)
    return plan.distinct_path(beats, part.sources, unary, jump, request.take, pace.check)
