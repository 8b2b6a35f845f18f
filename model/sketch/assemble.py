"""From a plan (runs of source beats) to audio at the song's own rate and channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.engine import Samples
from model.sketch import joins
from model.sketch import parameters as p
from model.sketch.beats import Beats
from model.sketch.plan import Run
from model.sketch.tape import Moved, Tape


@dataclass(frozen=True)
class Segment:
    """One tape from frame `start` on, until the next segment starts."""

    start: int
    tape: Tape


def _copyable(beats: Beats, run: Run) -> bool:
    """The source's beats lie where the target's do, so the run can be copied as it is."""
    steps = np.arange(run.count + 1)
    source = beats.seconds[run.source + steps] - beats.seconds[run.source]
    target = beats.seconds[run.target + steps] - beats.seconds[run.target]
    return bool(np.abs(source - target).max() <= p.COPY_DRIFT_SECONDS)


def segments_of(runs: list[Run], beats: Beats, samples: Samples, rate: int) -> list[Segment]:
    """The tapes that play the runs, each from the frame of its first beat."""
    segments = []
    for run in runs:
        pieces = [run] if _copyable(beats, run) else _single_beats(run)
        for piece in pieces:
            start = round(float(beats.seconds[piece.target]) * rate)
            source = round(float(beats.seconds[piece.source]) * rate)
            segments.append(Segment(start, Moved(samples, source - start)))
    return segments


def _single_beats(run: Run) -> list[Run]:
    return [Run(run.target + k, run.source + k, 1) for k in range(run.count)]


def without_slivers(segments: list[Segment], start: int, end: int, rate: int) -> list[Segment]:
    """Segments of [start, end) with those too short at either edge left to their neighbours."""
    sliver = round(p.EDGE_SLIVER_SECONDS * rate)
    while len(segments) > 1 and segments[1].start - start < sliver:
        segments = segments[1:]
    while len(segments) > 1 and end - segments[-1].start < sliver:
        segments = segments[:-1]
    return segments


def lay(segments: list[Segment], start: int, end: int, rate: int) -> tuple[Samples, list[float]]:
    """The frames [start, end) of segments played one after the other, and the length of each join in ms.

    The first segment also plays what lies before it. Joins end just before the beat they lead into.
    """
    bounds = [segment.start - round(p.JOIN_BEFORE_BEAT_SECONDS * rate) for segment in segments[1:]]
    out = segments[0].tape.read(start, end)
    lengths = []
    previous = start
    for old, segment, bound in zip(segments[:-1], segments[1:], bounds, strict=True):
        length = max(min(round(p.JOIN_SECONDS * rate), (bound - previous) // 2), 0)
        first = bound - length
        out[bound - start :] = segment.tape.read(bound, end)
        if length:
            out[first - start : bound - start] = joins.crossfade(
                old.tape.read(first, bound), segment.tape.read(first, bound)
            )
        lengths.append(1000.0 * length / rate)
        previous = bound
    return out, lengths


def join_edges(
    inside: Samples, original: Tape, start: int, rate: int, at_start: bool = True, at_end: bool = True
) -> tuple[Samples, float]:
    """`inside` (at `start`) fading from and to the original within its own edges; and the fade in ms."""
    end = start + len(inside)
    length = min(round(p.JOIN_SECONDS * rate), len(inside) // 3)
    out = inside.copy()
    if length and at_start:
        out[:length] = joins.crossfade(original.read(start, start + length), inside[:length])
    if length and at_end:
        # Reversed in time, so that the last sample inside is one step before the original's.
        old = original.read(end - length, end)[::-1]
        out[len(out) - length :] = joins.crossfade(old, inside[len(out) - length :][::-1])[::-1]
    return out, 1000.0 * length / rate
