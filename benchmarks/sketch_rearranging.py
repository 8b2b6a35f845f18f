"""Measures repaints and continuations of one song, next to random bars with a fade and hard cuts."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks import seams
from benchmarks import sketch_measures as measures
from benchmarks.sketch_columns import Column, Columns
from benchmarks.sketch_measures import bar_beats, lead_beats, song_bars
from benchmarks.sketch_songs import SCORES, song
from model.dsp import loudness
from model.engine import Piece, RenderRequest, Report, Samples, Task
from model.sketch.engine import SketchEngine
from model.sketch.rearrange import joins
from tests.model.sketch.songs import Generated, request_for

OURS, FADED, CUT, ITSELF = "Sketch", "random bars, 10 ms fade", "random bars, hard cut", "song itself"
REGION_BARS = 4
FADE_FRAMES = 441
SEEDS = (1, 2)
AROUND_SECONDS = 5.0  # of the region, heard for its seams


def regions(made: Generated) -> Iterator[tuple[int, int]]:
    """Three regions of four bars, as first and last bar: none begins where a section does."""
    bars = song_bars(made)
    for share in (0.22, 0.45, 0.7):
        first = int(bars * share)
        yield first, first + REGION_BARS


def render(engine: SketchEngine, request: RenderRequest) -> tuple[Samples, Report]:
    *pieces, report = engine.render(request, lambda _: None, lambda: False)
    assert isinstance(report, Report)
    return next(piece.samples for piece in pieces if isinstance(piece, Piece)), report


def random_bars(made: Generated, first: int, last: int, rng: np.random.Generator, fade: int) -> Samples:
    """The baseline: random other bars of the song, joined by `fade` frames."""
    count = bar_beats(made)
    origin = made.bar_frame(first, count)
    out = np.zeros((made.bar_frame(last, count) - origin, made.song.channels), np.float32)
    others = [bar for bar in range(1, song_bars(made) - 1) if not first <= bar < last]
    gain = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
    for bar in range(first, last):
        a, b = made.bar_frame(bar, count) - origin, made.bar_frame(bar + 1, count) - origin
        source = made.bar_frame(int(rng.choice(others)), count)
        new = made.song.samples[source : source + b - a]
        out[a : a + len(new)] = new
        if fade and a:
            ahead = made.song.samples[source - fade : source]
            out[a - fade : a] = out[a - fade : a] * (1 - gain) + ahead * gain
    if fade:
        old = made.song.samples[origin : origin + len(out)]
        out[:fade] = old[:fade] * (1 - gain) + out[:fade] * gain
        out[-fade:] = out[-fade:] * (1 - gain) + old[-fade:] * gain
    return out


def measure(name: str) -> Columns:
    """Everything about the named song."""
    made, engine = song(name), SketchEngine()
    engine.load(lambda _: None)
    columns: Columns = {heading: Column() for heading in (OURS, FADED, CUT, ITSELF)}
    count, rate = bar_beats(made), made.song.rate
    began = time.thread_time()
    render(engine, request_for(made, made.bar_frame(8, count), made.bar_frame(9, count)))
    columns[OURS].add("first", (time.thread_time() - began) * 120 * rate / made.song.frames)
    measure_repaints(name, made, engine, columns)
    measure_takes(made, engine, columns[OURS])
    measure_continuations(made, engine, columns[OURS])
    return columns


def measure_repaints(name: str, made: Generated, engine: SketchEngine, columns: Columns) -> None:
    count, rng = bar_beats(made), np.random.default_rng(7)
    own_steps = measures.texture_steps(made, made.song.samples, list(range(1, song_bars(made) - 1)))
    step_limit = float(np.percentile(own_steps, 95))
    analysed: dict[str, tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]] = {
        heading: ([], []) for heading in columns
    }
    for first, last in regions(made):
        start, end = made.bar_frame(first, count), made.bar_frame(last, count)
        bars = [made.bar_frame(bar, count) for bar in range(first, last + 1)]
        old = made.song.samples[start:end]
        errors = np.abs(measures.onset_errors(old, made, start, end - start))
        columns[ITSELF].add("onset", *errors)
        quiet = seams.analyse(around(made.song.samples, start, end, made), made.song.rate)
        for seed in SEEDS:
            began = time.thread_time()
            ours, report = render(engine, request_for(made, start, end, seed=seed))
            seconds = time.thread_time() - began
            sliced = "source_beats" not in report.figures
            plain = not sliced and len(set(SCORES[name].tempos)) == 1
            columns[OURS].add("seconds" if plain else "seconds with more to do", seconds)
            places = [start, end] if sliced else [start, *join_frames(made, report, first), end]
            mixes = {
                OURS: (ours, places),
                FADED: (random_bars(made, first, last, rng, FADE_FRAMES), bars),
                CUT: (random_bars(made, first, last, rng, 0), bars),
            }
            for heading, (mix, joined_at) in mixes.items():
                whole = measures.spliced(made, start, mix)
                measure_mix(made, whole, first, last, joined_at, columns[heading])
                column = columns[heading]
                column.add(
                    "texture", *(s > step_limit for s in measures.texture_steps(made, whole, [first, last]))
                )
                moved = seams.analyse(around(whole, start, end, made), made.song.rate)
                origin = max(start - round(AROUND_SECONDS * made.song.rate), 0)
                analysed[heading][0].extend(seams.features(moved, at - origin) for at in joined_at)
                analysed[heading][1].extend(seams.features(quiet, at - origin) for at in joined_at)
            if not sliced and not SCORES[name].alone:
                add_chords(made, report, first, last, columns)
    for heading, (joined, untouched) in analysed.items():
        if joined:
            columns[heading].moments.append(seams.Moments(np.array(joined), np.array(untouched)))
    for column in columns.values():
        if SCORES[name].alone:  # a solo melody need not repeat: its figures stand in rows of their own
            column.values["chroma solo"] = column.values.pop("chroma", [])
        if SCORES[name].loop:  # every other bar of an exact loop is a copy
            column.values["copies loop"] = column.values.pop("copies", [])


def around(samples: Samples, start: int, end: int, made: Generated) -> Samples:
    reach = round(AROUND_SECONDS * made.song.rate)
    return samples[max(start - reach, 0) : end + reach]


def measure_mix(
    made: Generated, whole: Samples, first: int, last: int, places: list[int], column: Column
) -> None:
    """What is measured the same way for Sketch and for its baselines."""
    count, rate = bar_beats(made), made.song.rate
    start, end = made.bar_frame(first, count), made.bar_frame(last, count)
    mix, old = whole[start:end], made.song.samples[start:end]
    edges = [made.beat_frame(beat) - start for beat in range(first * count, last * count + 1)]
    column.add("click", *(v > 0.99 for v in measures.click_percentiles(made, whole, places)))
    column.add("onset", *np.abs(measures.onset_errors(mix, made, start, end - start)))
    was, now = measures.beat_chroma(old, rate, edges), measures.beat_chroma(mix, rate, edges)
    column.add("chroma", *(was * now).sum(axis=1)[was.sum(axis=1) > 0.5])
    column.add("loudness", abs(loudness.integrated(mix, rate) - loudness.integrated(old, rate)))
    outside = np.array_equal(whole[:start], made.song.samples[:start])
    column.add("outside", outside and np.array_equal(whole[end:], made.song.samples[end:]))
    alike = measures.beat_correlation(mix, old, edges, rate)
    column.add("novelty", *alike)
    column.add("copies", *(value > 0.98 for value in alike))


def add_chords(made: Generated, report: Report, first: int, last: int, columns: Columns) -> None:
    """Whether each source beat has the chord of the beat it stands for; for random bars, how probable that is."""
    count = bar_beats(made)
    truth = made.chords[first * count : last * count]
    played = [beat - lead_beats(made) for beat in report.figures["source_beats"]][: len(truth)]
    chords = [made.chords[beat] if 0 <= beat < len(made.chords) else -1 for beat in played]
    columns[OURS].add("chord", *(np.array(chords) == truth))
    chance = [float(np.mean(made.chords == chord)) for chord in truth]
    columns[FADED].add("chord", *chance)
    columns[CUT].add("chord", *chance)


def join_frames(made: Generated, report: Report, first: int) -> list[int]:
    """Frames of the song where runs inside the region begin."""
    beats = report.figures["source_beats"]
    starts = [k for k in range(1, len(beats)) if beats[k] != beats[k - 1] + 1]
    return [made.beat_frame(first * bar_beats(made) + k) for k in starts]


def measure_takes(made: Generated, engine: SketchEngine, column: Column) -> None:
    """Distinct results among eight takes, and strength against similarity."""
    count = bar_beats(made)
    first, last = next(iter(regions(made)))
    start, end = made.bar_frame(first, count), made.bar_frame(last, count)
    mixes = [render(engine, request_for(made, start, end, takes=(take,)))[0] for take in range(8)]
    distinct: list[Samples] = []
    for mix in mixes:
        if all(joins.likeness(mix, other) < 0.995 for other in distinct):
            distinct.append(mix)
    column.add("takes", len(distinct))
    alike = []
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        figures = render(engine, request_for(made, start, end, strength=strength))[1].figures
        # In an exact loop the drums are re-sequenced: what stays is what is alike.
        alike.append(figures.get("beat_correlation", 1.0 - figures.get("drum_slices_changed", 0.0)))
    column.add("monotone", all(b <= a + 1e-6 for a, b in itertools.pairwise(alike)))
    column.add("strength 0", alike[0])
    column.add("strength 1", alike[-1])


def measure_continuations(made: Generated, engine: SketchEngine, column: Column) -> None:
    """Eight bars after the end: chord steps known from the song, flux at the joins, level, longest verbatim run."""
    count, bars, rate = bar_beats(made), song_bars(made), made.song.rate
    known = set(zip(made.chords[:-1].tolist(), made.chords[1:].tolist(), strict=True))
    length = made.bar_frame(bars - 1, count) - made.bar_frame(bars - 9, count)
    own = measures.flux_at(
        made.song.samples, rate, [made.beat_frame(b) for b in range(count, len(made.chords))]
    )
    for seed in SEEDS:
        end = made.song.frames
        mix, report = render(engine, request_for(made, end, end + length, Task.COMPLETE, seed=seed))
        source = report.figures["source_beats"]
        played = [
            made.chords[b - lead_beats(made)] for b in source if b - lead_beats(made) < len(made.chords)
        ]
        pairs = list(zip([made.chords[-1], *played[:-1]], played, strict=True))
        column.add("transitions", *((int(a), int(b)) in known for a, b in pairs))
        starts = [k for k in range(1, len(source)) if source[k] != source[k - 1] + 1]
        places = [made.beat_frame(len(made.chords) + k) for k in (0, *starts)]
        whole = np.concatenate([made.song.samples, mix])
        flux = measures.flux_at(whole, rate, places)
        # Beats are compared with those at the same place in the bar: a downbeat is loud wherever it comes from.
        ranks = [float(np.mean(own[k % count :: count] < f)) for k, f in zip((0, *starts), flux, strict=True)]
        column.add("join flux", *ranks)
        column.add("join flux above", *(rank > 0.95 for rank in ranks))
        last = loudness.integrated(made.song.samples[-12 * rate :], rate)
        column.add("continued loudness", abs(loudness.integrated(mix, rate) - last))
        column.add("verbatim", report.figures["longest_verbatim_bars"])
