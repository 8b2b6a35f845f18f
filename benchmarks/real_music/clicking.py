"""Measures clicks at the joins of many repaints of one real piece: those of one or two places are too few to compare.

OMP_NUM_THREADS=1 python -m benchmarks.real_music --clicks --tuned-on --each
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks import sketch_measures as measures
from benchmarks.real_music.planning import PLACES, SEEDS
from benchmarks.real_music.rearranging import first_bar, inner_joins
from benchmarks.sketch_columns import Column, Columns
from benchmarks.sketch_measures import CLICK_HOP, bar_beats, song_bars
from benchmarks.sketch_rearranging import ITSELF, OURS, render
from model.engine import Report, Samples
from model.sketch.engine import SketchEngine
from tests.model.sketch.songs import Generated, request_for

_REACH = 30 * CLICK_HOP
_ASIDE = 2 * CLICK_HOP  # of the roughest millisecond: by so much the sides may be misplaced
_LOUDER = 10.0 ** (1.0 / 20.0)  # a crossfade that adds less than a decibel adds nothing


def measure(name: str, song: Callable[[str], Generated]) -> Columns:
    """Clicks of the named piece's takes at inner joins and at edges, and the piece's own at the same instants."""
    made, engine = song(name), SketchEngine()
    engine.load(lambda _: None)
    columns: Columns = {heading: Column() for heading in (OURS, ITSELF)}
    render(engine, request_for(made, *first_bar(made)))  # analyses the song: not part of the times
    count, bars = bar_beats(made), song_bars(made)
    for share, length in PLACES:
        first = 1 + int((bars - 2) * share)
        start, end = (made.bar_frame(bar, count) for bar in (first, min(first + length, bars - 1)))
        for seed in SEEDS:
            began = time.thread_time()
            mix, report = render(engine, request_for(made, start, end, seed=seed))
            columns[OURS].add("seconds", time.thread_time() - began)
            whole, inner = measures.spliced(made, start, mix), inner_joins(made, report, first)
            for heading, heard in ((OURS, whole), (ITSELF, made.song.samples)):
                for row, places in (("click inside", inner), ("click at edges", [start, end])):
                    ranks = measures.click_percentiles(made, heard, places)
                    columns[heading].add(row, *(rank > 0.99 for rank in ranks))
            columns[OURS].add("click made", *crossfade_clicks(made, whole, report, inner))
    return columns


def crossfade_clicks(made: Generated, whole: Samples, report: Report, inner: list[int]) -> list[float]:
    """Of each click at an inner join, whether it is rougher than what both runs have at that instant in the song.

    Left out where the runs were stretched, as nothing says to the millisecond where their sound comes from.
    """
    shifts = report.figures["source_shift_samples"]
    if len(shifts) != len(inner) + 1:  # slivers at the edges belong to their neighbours
        return []
    gain, found = 10.0 ** (report.figures["gain_db"] / 20.0), []
    ranks = measures.click_percentiles(made, whole, inner)
    for place, rank, old, new in zip(inner, ranks, shifts[:-1], shifts[1:], strict=True):
        if rank <= 0.99 or old[0] != old[1] or new[0] != new[1]:
            continue
        curve = measures.click_curve(whole[place - _REACH : place + _REACH])
        at = place - _REACH + int(curve.argmax()) * CLICK_HOP
        sides = [_roughest(made, at + shift) for shift in (old[1], new[0])]
        found.append(float(curve.max() > _LOUDER * gain * max(sides)))
    return found


def _roughest(made: Generated, at: int) -> float:
    """The song's roughest millisecond around the one that begins at a frame; 0 outside the song."""
    first = max(at - _ASIDE, 0)
    heard = made.song.samples[first : max(at + CLICK_HOP + _ASIDE, first)]
    return float(np.max(measures.click_curve(heard), initial=0.0)) if len(heard) > 3 else 0.0
