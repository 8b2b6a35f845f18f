"""What repaint and complete share: the region's beats, the source beats it may use, and its finishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp import loudness
from model.engine import Piece, RenderRequest, Samples, Song
from model.errors import CannotRender
from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis.analysis import Analysis, Listening
from model.sketch.rearrange import assemble, joins, levels
from model.sketch.rearrange.assemble import LaidAudio
from model.sketch.rearrange.joins import JoinChooser
from model.sketch.rearrange.layers import Material
from model.sketch.rearrange.levels import Swell
from model.sketch.rearrange.plan import Run, Surroundings
from model.sketch.rearrange.tape import Mirrored, Moved, Tape


@dataclass(frozen=True)
class Passage:
    """A region of an analysed song.

    targets: grid indices of the beats it touches.
    sources: grid indices of the beats it may use.
    around:  the beats just outside it.
    """

    request: RenderRequest
    song: Song
    analysis: Analysis
    targets: NDArray[np.intp]
    sources: NDArray[np.intp]
    around: Surroundings

    @property
    def start_seconds(self) -> float:
        return self.request.start / self.request.rate

    @property
    def end_seconds(self) -> float:
        return self.request.end / self.request.rate

    @property
    def source_bars(self) -> float:
        """Total length of the sources in bars."""
        return float(np.sum(1.0 / self.analysis.beats.bar_beats[self.sources]))

    @property
    def length_beats(self) -> float:
        """Length of the region in beats."""
        beats = self.analysis.beats
        span = beats.seconds[self.targets[-1] + 1] - beats.seconds[self.targets[0]]
        return (self.end_seconds - self.start_seconds) / max(float(span), 1e-6) * len(self.targets)

    @property
    def region_was_silent(self) -> bool:
        """Whether all of the region's beats are silent (a gap), so that it gives no hint of what should play there."""
        return not bool(self.analysis.beats.sounding[self.targets].any())


def passage_of(request: RenderRequest, song: Song, analysis: Analysis) -> Passage:
    """The region's beats, sources and surroundings."""
    beats = analysis.beats
    start, end = request.start / request.rate, request.end / request.rate
    targets = np.array(beats.span(start, end), dtype=np.intp)
    sources = _sources(request, analysis, targets)
    before, after = int(targets[0]) - 1, int(targets[-1]) + 1
    around = Surroundings(
        before if before >= 0 and beats.sounding[before] else None,
        after if after < len(beats) and beats.sounding[after] else None,
    )
    return Passage(request, song, analysis, targets, sources, around)


def silent_at(listening: Listening, seconds: float) -> bool:
    """Whether nothing sounds on either side of this time, as after a file that has rung out."""
    steps = len(listening.energy) - 1
    per_second = p.ANALYSIS_RATE / p.LEVEL_STEP
    first, last = (
        int(np.clip(round((seconds + side * p.SILENT_EDGE_SECONDS) * per_second), 0, steps))
        for side in (-1, 1)
    )
    near = float(listening.energy[last] - listening.energy[first]) / (
        2.0 * p.SILENT_EDGE_SECONDS * per_second
    )
    whole = float(listening.energy[-1]) / max(steps, 1)
    return bool(near <= whole * 10.0 ** (-p.SILENT_EDGE_DB / 10.0))


def _sources(request: RenderRequest, analysis: Analysis, targets: NDArray[np.intp]) -> NDArray[np.intp]:
    beats = analysis.beats
    allowed = beats.inside.copy()
    if request.context_seconds is not None:
        reach = request.context_seconds + p.EDGE_SLIVER_SECONDS
        allowed = allowed & (beats.seconds[:-1] >= request.start / request.rate - reach)
        allowed = allowed & (beats.seconds[1:] <= request.end / request.rate + reach)
    in_region = beats.sounding[targets]
    # A passage with a break may use breaks as sources; otherwise pauses are no material for a repaint.
    breaks_allowed = bool(in_region.any() and not in_region.all())
    # (Noise or a DC offset has level only at its very edges, so pauses cannot be distinguished from it.)
    breaks_allowed |= beats.sounding.sum() < p.MIN_SOUNDING * beats.inside.sum()
    if not breaks_allowed:
        allowed = allowed & beats.sounding
    allowed[targets] = False
    return np.flatnonzero(allowed).astype(np.intp)


def require_sources(passage: Passage, bars: int) -> None:
    """Raises CannotRender if fewer than `bars` bars of the song are left as sources."""
    if passage.source_bars >= bars - 0.01:
        return
    beats, song = passage.analysis.beats, passage.song
    if float(np.sum(1.0 / beats.bar_beats[np.flatnonzero(beats.inside)])) < bars:
        raise CannotRender(
            f"The song is too short: it has {song.frames} sample{'' if song.frames == 1 else 's'} "
            f"({song.frames / song.rate:.3f} s), and Sketch needs {bars} "
            f"{'bar' if bars == 1 else 'bars'} of music outside the region.",
            "Bounce more of the song, or use the acestep engine, which generates new material.",
        )
    raise CannotRender(
        f"There are only {passage.source_bars:.1f} bars of music outside the region (and within the context); "
        f"Sketch needs {bars}.",
        "Select a shorter region, allow more context, or use the acestep engine, which generates new material.",
    )


def bars_text(passage: Passage, runs: list[Run]) -> list[str]:
    """The source of each run in the host's bar numbers: "bar 9-12", with the beat if it starts inside a bar."""
    beats = passage.analysis.beats
    names = []
    for run in runs:
        first, last = int(beats.bar[run.source]), int(beats.bar[run.source + run.count - 1])
        beat = int(beats.position[run.source])
        name = f"bar {first}" if first == last else f"bar {first}-{last}"
        names.append(name + (f" from beat {beat + 1}" if beat else ""))
    return names


def common_figures(passage: Passage, runs: list[Run]) -> dict[str, Any]:
    """What every rearranged take reports about its choices."""
    return {
        "seed": passage.request.seed,
        "take": passage.request.take,
        "source_bars": bars_text(passage, runs),
        "source_beats": [run.source + k for run in runs for k in range(run.count)],
        "phase_shift_ms": round(1000.0 * passage.analysis.phase.seconds, 1),
    }


@dataclass(frozen=True)
class Finished:
    """A take's audio and the measurements for its report."""

    pieces: tuple[Piece, ...]
    figures: Mapping[str, Any]


def lay_runs(passage: Passage, runs: list[Run], material: Material, original: Tape, pace: Pace) -> LaidAudio:
    """The runs as audio over the region and its handles, aligned to the original at the region's start."""
    request, rate = passage.request, passage.request.rate
    chooser = JoinChooser(rate)
    segments = assemble.segments_of(runs, passage.analysis.beats, material, rate, pace.check)
    segments = assemble.without_slivers(segments, request.start, request.end, rate)
    segments = assemble.align_first(segments, original, request.start, chooser)
    return assemble.lay(segments, request.start, request.end, request.handle, chooser, pace.check)


def finish(
    passage: Passage,
    laid: LaidAudio,
    original: Tape,
    wanted_lufs: float,
    gain_limit: float,
    kept: Tape | None = None,
    fade: tuple[int, int] | None = None,
    lead: int = 0,
    swell: Swell | None = None,
) -> Finished:
    """Matches loudness, joins the edges to `original`, adds the kept layers, limits peaks.

    kept: the layers of the song that stay unchanged underneath; None if everything is new.
    fade: first and last frame of the fade-out within the region, if the song ends here.
    lead: frames at the region's start that stay as they are: after silence music begins with a beat.
    swell: how the take comes back in from a fade; the loudness of what follows it is matched.
    """
    request, song = passage.request, passage.song
    start, end, handle, rate = request.start, request.end, request.handle, request.rate
    inside = laid.audio[handle : handle + request.length]
    measured = loudness.integrated(_settled(inside, rate, swell), rate)
    gain_db = levels.matching_gain_db(measured, wanted_lufs, gain_limit)
    gain = 10.0 ** (gain_db / 20.0)
    met_after = end < song.frames and (swell is None or swell.settles)
    curve = levels.ramped(gain, len(inside), rate, start > 0 and swell is None, met_after)
    if swell is not None:
        curve *= swell.gains(len(inside))
    if fade is not None:
        curve *= levels.fade_out(len(inside), *fade)
    mix, edges = assemble.join_edges(
        (inside * curve[:, None])[lead:],
        original,
        start + lead,
        JoinChooser(rate),
        held_notes(passage, laid),
        passage.around.silence,
    )
    led = original.read(start - handle, start + lead)
    mix = np.concatenate([led[handle:], mix])
    beneath = Moved(song.samples[:0]) if kept is None else kept
    ceiling = max(passage.analysis.listening.true_peak, 10.0 ** (p.PEAK_CEILING_DB / 20.0))
    mix = mix + beneath.read(start, end)
    mix, limited = levels.limit_peaks(mix, rate, ceiling, levels.highest_sample(song.samples, mix))
    pieces = [Piece("mix", start, mix)]
    if handle > 0:
        audio = laid.audio * np.float32(gain)
        if lead:
            begins = handle + lead
            audio[:begins] = led
            if edges:  # as the mix begins
                entry = edges[0]
                played = audio[begins : begins + entry.length]
                audio[begins : begins + entry.length] = joins.crossfade(
                    original.read(entry.first, entry.end), played
                )
        if swell is not None:
            audio *= swell.gains(len(audio), handle)[:, None]
        if fade is not None:
            audio *= levels.fade_out(len(audio), fade[0] + handle, fade[1] + handle)[:, None]
        audio += beneath.read(start - handle, end + handle)
        highest = levels.highest_sample(song.samples, audio)
        with_handles, _ = levels.limit_peaks(audio, rate, ceiling, highest)
        pieces.append(Piece("handles", start - handle, with_handles))
    figures = {
        "gain_db": round(gain_db, 2),
        "limiter_db": round(20.0 * float(np.log10(max(limited, 1e-6))), 2),
        "loudness_lufs": round(max(loudness.integrated(mix, rate), loudness.FLOOR_LUFS), 2),
        "join_samples": [[join.first - start, join.end - start] for join in laid.joins],
        "source_shift_samples": [list(shifts) for shifts in laid.shifts],
        "join_ms": [round(1000.0 * join.length / rate, 1) for join in laid.joins],
        "join_excess": [round(join.excess, 2) for join in laid.joins],
        "correlation_with_replaced": round(joins.likeness(mix, Moved(song.samples).read(start, end)), 3),
        "edge_join_ms": [round(1000.0 * join.length / rate, 1) for join in edges],
    }
    if swell is not None and swell.settles:
        figures["swell_samples"] = swell.frames
    return Finished(tuple(pieces), figures)


def _settled(inside: Samples, rate: int, swell: Swell | None) -> Samples:
    """What follows the swell, if it is enough to be measured; else all of it, as it is without one."""
    after = inside[0 if swell is None or not swell.settles else swell.frames :]
    return after if len(after) >= p.SETTLED_SECONDS * rate else inside


def held_notes(passage: Passage, laid: LaidAudio) -> tuple[bool, bool]:
    """Whether notes sound on through the region's first and last edge: no attack in what begins there."""
    around = passage.around
    calm_after = around.after is not None and not passage.analysis.beats.attack(around.after)
    if around.silence:
        return laid.held, calm_after
    return around.before is not None and not laid.attack, calm_after


def original_tape(passage: Passage) -> Tape:
    """The audio the region's edges are joined to; where the song ends within the region, it dies away there."""
    request, song = passage.request, passage.song
    if not request.start <= song.frames < request.end:
        return Moved(song.samples)
    reach = round(max(p.JOIN_LENGTHS_EDGE) * request.rate)
    return Mirrored(song.samples, min(reach, request.end - song.frames))


def context_lufs(passage: Passage, least_seconds: float = 0.0) -> float:
    """Loudness of the four bars on each side of the region (of the whole song if those are silent)."""
    beats, rate = passage.analysis.beats, passage.request.rate
    bar = int(beats.bar_beats[passage.targets[0]])
    length = max(float(np.median(np.diff(beats.seconds))) * bar * 4, least_seconds)
    first = max(round((passage.start_seconds - length) * rate), 0)
    last = min(round((passage.end_seconds + length) * rate), passage.song.frames)
    start = min(max(passage.request.start, 0), passage.song.frames)
    end = min(max(passage.request.end, start), passage.song.frames)
    around: list[Samples] = [passage.song.samples[first:start], passage.song.samples[end:last]]
    measured = loudness.integrated(np.concatenate(around), rate)
    return measured if measured > p.SILENT_LUFS else loudness.integrated(passage.song.samples, rate)


def span_lufs(passage: Passage, start: float, end: float) -> float:
    """Loudness of the song between two times (seconds)."""
    rate = passage.request.rate
    return loudness.integrated(passage.song.samples[max(round(start * rate), 0) : round(end * rate)], rate)
