"""Measures repaints and continuations of one real piece, next to random bars and to the piece itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import seams
from benchmarks import sketch_measures as measures
from benchmarks.real_music.pieces import PIECES
from benchmarks.sketch_columns import Column, Columns
from benchmarks.sketch_measures import bar_beats, lead_beats, song_bars
from benchmarks.sketch_rearranging import (
    AROUND_SECONDS,
    FADE_FRAMES,
    FADED,
    ITSELF,
    OURS,
    around,
    measure_mix,
    random_bars,
    render,
)
from bridge_server.rendering.receipts import assembled_of
from clip_store.audio.audio import Audio, Encoding
from clip_store.measure.alignment import BESIDE_SECONDS, Alignment
from clip_store.measure.alignment import measure as measure_splice
from clip_store.measure.seams import rank_together
from clip_store.splice import splice, with_clip
from daw_protocol.timeline.span import Span
from model.dsp import loudness
from model.engine import Report, Samples, Task
from model.sketch.engine import SketchEngine
from model.sketch.parameters import EDGE_SLIVER_SECONDS, SILENT_EDGE_DB, SILENT_EDGE_SECONDS
from model.sketch.rearrange import joins
from tests.model.sketch.songs import Generated, request_for

SEEDS = (1, 2)
REGIONS = ((0.22, 4), (0.45, 4), (0.7, 8))
"""Where in the piece a region begins, and how many bars it has."""
CONTINUED_BARS = 8
TAKES = 8
LEVEL_SECONDS = 12
"""Of the song, before its end, that a continuation should be as loud as."""
_BLOCK_SECONDS, _RANG_OUT_DB = 0.4, 12.0
_FADE_BLOCK_SECONDS, _FADED_DB = 3.0, 3.0
_SPLICE_FADE = 441  # as the bridge's default crossfade, 10 ms


@dataclass(frozen=True)
class Region:
    """Bars [first, last) of the piece, 0-based; the step in texture that one in twenty of its bar lines exceed."""

    made: Generated
    first: int
    last: int
    step_limit: float

    @property
    def start(self) -> int:
        return self.made.bar_frame(self.first, bar_beats(self.made))

    @property
    def end(self) -> int:
        return self.made.bar_frame(self.last, bar_beats(self.made))


def regions(made: Generated) -> Iterator[Region]:
    """The regions that are repainted."""
    bars = song_bars(made)
    own = measures.texture_steps(made, made.song.samples, list(range(1, bars - 1)))
    limit = float(np.percentile(own, 95))
    for share, length in REGIONS:
        first = 1 + int((bars - 2) * share)
        yield Region(made, first, min(first + length, bars - 1), limit)


def measure(name: str, song: Callable[[str], Generated], quick: bool = False) -> Columns:
    """Everything about the named piece; `quick`: one seed, no eight takes."""
    made, engine = song(name), SketchEngine()
    engine.load(lambda _: None)
    columns: Columns = {heading: Column() for heading in (OURS, FADED, ITSELF)}
    render(engine, request_for(made, *first_bar(made)))  # analyses the song: not part of the times
    found = list(regions(made))
    for region in found[: 1 if quick else None]:
        measure_region(name, region, engine, SEEDS[:1] if quick else SEEDS, columns)
    if not quick:
        measure_takes(found[0], engine, columns[OURS])
    measure_continuations(made, engine, SEEDS[:1] if quick else SEEDS, columns[OURS])
    for column in columns.values():  # one piece, one fold of the forest: it must not know the piece
        column.moments = _together(column.moments)
    return columns


def _together(moments: list[seams.Moments]) -> list[seams.Moments]:
    if not moments:
        return []
    joined = np.concatenate([part.joined for part in moments])
    return [seams.Moments(joined, np.concatenate([part.untouched for part in moments]))]


def first_bar(made: Generated) -> tuple[int, int]:
    """Edges of the second bar: a render of it analyses the piece."""
    return made.bar_frame(1, bar_beats(made)), made.bar_frame(2, bar_beats(made))


def measure_region(
    name: str, region: Region, engine: SketchEngine, seeds: tuple[int, ...], columns: Columns
) -> None:
    """Adds what repaints of one region show, and random bars and the untouched piece in the same place."""
    made, rng = region.made, np.random.default_rng(region.first)
    start, end, rate = region.start, region.end, made.song.rate
    old = made.song.samples[start:end]
    columns[ITSELF].add("onset", *np.abs(measures.onset_errors(old, made, start, end - start)))
    quiet = seams.analyse(around(made.song.samples, start, end, made), rate)
    for seed in seeds:
        began = time.thread_time()
        ours, report = render(engine, request_for(made, start, end, seed=seed))
        columns[OURS].add(_time_row(name), time.thread_time() - began)
        inner = inner_joins(made, report, region.first)
        bars = [made.bar_frame(bar, bar_beats(made)) for bar in range(region.first, region.last + 1)]
        mixes = {
            OURS: (ours, [start, *inner, end]),
            FADED: (random_bars(made, region.first, region.last, rng, FADE_FRAMES), bars),
        }
        for heading, (mix, places) in mixes.items():
            column = columns[heading]
            whole = measures.spliced(made, start, mix)
            measure_mix(made, whole, region.first, region.last, places, column)
            add_texture(region, whole, places, column)
            add_seams(region, whole, quiet, places, column)
        untouched = measures.click_percentiles(made, made.song.samples, [start, *inner, end])
        columns[ITSELF].add("click", *(rank > 0.99 for rank in untouched))
        add_texture(region, made.song.samples, [start, *inner, end], columns[ITSELF])
        columns[OURS].add("used twice", twice(report))
        add_receipt(made, start, ours, report, columns[OURS])


def _time_row(name: str) -> str:
    return "seconds" if PIECES[name].bpm is not None else "seconds mapped"


def inner_joins(made: Generated, report: Report, first: int) -> list[int]:
    """Frames of the song where runs inside the region begin; none where the drums were rearranged."""
    beats = report.figures.get("source_beats", [])
    starts = [k for k in range(1, len(beats)) if beats[k] != beats[k - 1] + 1]
    return [made.beat_frame(first * bar_beats(made) + k) for k in starts]


def twice(report: Report) -> float:
    """Share of a take's beats that it has played before."""
    beats = report.figures.get("source_beats", [])
    return 1.0 - len(set(beats)) / len(beats) if beats else 0.0


def add_texture(region: Region, whole: Samples, places: list[int], column: Column) -> None:
    """Steps in texture at the edges and at the bar lines next to inner joins, against the piece's own.

    "made" are those that are also larger than the untouched piece's step at the same bar line.
    """
    made, limit = region.made, region.step_limit
    edges = measures.texture_steps(made, whole, [region.first, region.last])
    column.add("texture", *(step > limit for step in edges))
    lines = np.array([made.bar_frame(bar, bar_beats(made)) for bar in range(region.first, region.last + 1)])
    near = {region.first + int(np.abs(lines - place).argmin()) for place in places}
    inner = sorted(near - {region.first, region.last})
    steps, own = (measures.texture_steps(made, samples, inner) for samples in (whole, made.song.samples))
    column.add("texture inside", *(step > limit for step in steps))
    column.add("texture made", *(step > max(limit, there) for step, there in zip(steps, own, strict=True)))


def add_seams(
    region: Region, whole: Samples, quiet: seams.Analysed, places: list[int], column: Column
) -> None:
    """The features at every join, and at the same instants of the untouched piece."""
    made = region.made
    moved = seams.analyse(around(whole, region.start, region.end, made), made.song.rate)
    origin = max(region.start - round(AROUND_SECONDS * made.song.rate), 0)
    joined, untouched = (
        np.array([seams.features(heard, at - origin) for at in places]) for heard in (moved, quiet)
    )
    column.moments.append(seams.Moments(joined, untouched))


def add_receipt(made: Generated, start: int, mix: Samples, report: Report, column: Column) -> None:
    """What the take's receipt would warn of, and the rank of its larger seam."""
    found = aligned(made, start, mix, report)
    column.add("warned", bool(found.problems()))
    rank = rank_together(found.seams)
    if rank is not None:
        column.add("seam rank", 100 * rank)
    column.add("noted", bool(report.notes))


def aligned(made: Generated, start: int, mix: Samples, report: Report) -> Alignment:
    """The receipt's measurements of a take, as the bridge makes them."""
    song = Audio(made.song.samples, made.song.rate, Encoding.FLOAT)
    region = Span(start, start + len(mix))
    result = splice(song, mix, region, _SPLICE_FADE)
    whole = with_clip(song, result.clip, start)
    return measure_splice(
        song,
        whole,
        result.clip,
        region,
        result.fades,
        grid_samples(made, region),
        assembled=assembled_of(report),
        bar_lines=bar_lines(made),
    )


def grid_samples(made: Generated, region: Span) -> list[int]:
    """The sixteenths in and beside the region, in samples from the song's first."""
    beats = made.grid.seconds * made.song.rate
    lines = np.rint(np.interp(np.arange(0, len(beats) - 1, 0.25), np.arange(len(beats)), beats)).astype(int)
    reach = round(BESIDE_SECONDS * made.song.rate)
    return [int(line) for line in lines if region.start - reach <= line <= region.end + reach]


def bar_lines(made: Generated) -> list[int]:
    """The piece's bar lines, in samples from its first."""
    return [made.bar_frame(bar, bar_beats(made)) for bar in range(song_bars(made) + 1)]


def measure_takes(region: Region, engine: SketchEngine, column: Column) -> None:
    """How many of eight takes of one request differ."""
    made = region.made
    distinct: list[Samples] = []
    for take in range(TAKES):
        mix, _ = render(engine, request_for(made, region.start, region.end, takes=(take,)))
        if all(joins.likeness(mix, other) < 0.995 for other in distinct):
            distinct.append(mix)
    column.add("takes", len(distinct))


def measure_continuations(
    made: Generated, engine: SketchEngine, seeds: tuple[int, ...], column: Column
) -> None:
    """Eight bars after the end of the file: level, known joins, what the receipt says."""
    count, bars, rate = bar_beats(made), song_bars(made), made.song.rate
    end = made.song.frames
    length = made.bar_frame(bars - 1, count) - made.bar_frame(bars - 1 - CONTINUED_BARS, count)
    own = measures.flux_at(
        made.song.samples, rate, [made.beat_frame(b) for b in range(count, len(made.chords))]
    )
    for seed in seeds:
        mix, report = render(engine, request_for(made, end, end + length, Task.COMPLETE, seed=seed))
        # Out of a fade a take comes back in as it went: what follows is compared with the song before the fade.
        swell = report.figures.get("swell_samples", 0)
        full = fade_start(made.song.samples, rate) if swell else level_end(made.song.samples, rate)
        before = loudness.integrated(made.song.samples[max(full - LEVEL_SECONDS * rate, 0) : full], rate)
        column.add("continued loudness", abs(loudness.integrated(mix[swell:], rate) - before))
        column.add("verbatim", report.figures["longest_verbatim_bars"])
        add_flux(made, mix, report, own, column)
        add_receipt(made, end, mix, report, column)


def level_end(samples: Samples, rate: int) -> int:
    """The frame up to which the song plays at its level: after it a last chord rings out, or the song fades."""
    return _last_above(samples, round(_BLOCK_SECONDS * rate), _RANG_OUT_DB)


def fade_start(samples: Samples, rate: int) -> int:
    """The frame at which a song that fades out begins to: where it is last at its level for a few seconds."""
    return _last_above(samples, round(_FADE_BLOCK_SECONDS * rate), _FADED_DB)


def _last_above(samples: Samples, block: int, below_db: float) -> int:
    """The end of the last block at most so far below the level that one block in four is above."""
    whole = samples[: len(samples) // block * block].reshape(-1, block, samples.shape[1])
    levels = 10.0 * np.log10(np.square(whole, dtype=np.float64).mean(axis=(1, 2)) + 1e-12)
    loud = np.flatnonzero(levels > np.percentile(levels, 75) - below_db)
    return (int(loud[-1]) + 1) * block if len(loud) else len(samples)


def ends_in_silence(samples: Samples, rate: int) -> bool:
    """Whether nothing is heard at the end for a continuation to go on from."""
    power = np.square(samples, dtype=np.float64)
    last = power[-round(SILENT_EDGE_SECONDS * rate) :].mean()
    return bool(last <= power.mean() * 10.0 ** (-SILENT_EDGE_DB / 10.0))


def add_flux(made: Generated, mix: Samples, report: Report, own: NDArray[np.float64], column: Column) -> None:
    """Flux at the joins of a continuation, ranked among the song's beats at the same place in the bar.

    Where it goes on from the song's last sample, that is a join, on a beat or not; a beginning after silence is none.
    """
    count, rate, end = bar_beats(made), made.song.rate, made.song.frames
    source = report.figures["source_beats"]
    starts = [k for k in range(1, len(source)) if source[k] != source[k - 1] + 1]
    if not ends_in_silence(made.song.samples, rate):
        starts = [0, *starts]
    # The first beat that the continuation touches, or after silence the one that it begins with.
    begins = (end + int(np.argmax(mix.any(axis=1)))) / rate
    first = int(np.searchsorted(made.grid.seconds, begins + EDGE_SLIVER_SECONDS, side="right")) - 1
    beats = made.grid.seconds[[min(first + k, len(made.grid.seconds) - 1) for k in starts]]
    beats = np.maximum(beats, end / rate)
    whole = np.concatenate([made.song.samples, mix])
    flux = measures.flux_at(whole, rate, [min(round(float(at) * rate), len(whole) - 2048) for at in beats])
    places = (first - lead_beats(made) + np.array(starts)) % count
    ranks = [float(np.mean(own[place::count] < f)) for place, f in zip(places, flux, strict=True)]
    column.add("join flux above", *(rank > 0.95 for rank in ranks))
