"""Measures which beats repaints of one real piece would be made of, before any is joined: many places in seconds.

OMP_NUM_THREADS=1 python -m benchmarks.real_music --planned --tuned-on --each
OMP_NUM_THREADS=1 python -m benchmarks.real_music --planned --further
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.sketch_columns import Column, Columns
from benchmarks.sketch_measures import bar_beats, beat_chroma, lead_beats, song_bars
from benchmarks.sketch_rearranging import ITSELF, OURS
from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import passage, repaint
from model.sketch.rearrange.passage import Passage
from tests.model.sketch.songs import Generated, request_for

SEEDS = (1, 2, 3)
PLACES = (*((share, 4) for share in (0.12, 0.22, 0.3, 0.38, 0.45, 0.55, 0.62)), (0.7, 8), (0.8, 8))
"""Where in the piece a region begins, and how many bars it has."""

Path = NDArray[np.intp]


def measure(name: str, song: Callable[[str], Generated]) -> Columns:
    """Of the named piece's planned takes: steps in texture at edges and inner bar lines, harmony, what seeds change.

    The piece's own steps stand beside them.
    """
    columns: Columns = {heading: Column() for heading in (OURS, ITSELF)}
    made = song(name)
    chroma = song_chroma(made)
    before: Path = np.zeros(0, dtype=np.intp)
    for index, (part, path) in enumerate(planned(made)):
        add_steps(part.analysis.beats, part.targets, path, columns)
        add_chroma(chroma, part.targets, path, columns[OURS])
        columns[OURS].add("used twice", 1.0 - len(set(path)) / len(path))
        if index % len(SEEDS):  # of the same place
            columns[OURS].add("seeds differ", float(np.mean(path != before)))
        before = path
    return columns


def song_chroma(made: Generated) -> NDArray[np.float64]:
    """A plain chroma of each beat of the grid, zero outside the song; [beats, 12]."""
    lead, count = lead_beats(made), len(made.chords)
    chroma = np.zeros((len(made.grid.seconds) - 1, 12))
    edges = [made.beat_frame(beat) for beat in range(count + 1)]
    chroma[lead : lead + count] = beat_chroma(made.song.samples, made.song.rate, edges)
    return chroma


def add_chroma(chroma: NDArray[np.float64], targets: Path, path: Path, column: Column) -> None:
    """How alike the notes of each chosen beat are to those of the beat it stands for."""
    was, now = chroma[targets], chroma[path]
    column.add("chroma", *(was * now).sum(axis=1)[was.sum(axis=1) > 0.5])


def planned(made: Generated) -> Iterator[tuple[Passage, Path]]:
    """Every place with every seed, and the source beat of each of its beats."""
    quiet = Pace(lambda _: None, lambda: False)
    heard = analysis.on_grid(analysis.listen(made.song, quiet), made.grid, None, quiet)
    count, bars = bar_beats(made), song_bars(made)
    for share, length in PLACES:
        first = 1 + int((bars - 2) * share)
        start, end = (made.bar_frame(bar, count) for bar in (first, min(first + length, bars - 1)))
        for seed in SEEDS:
            part = passage.passage_of(request_for(made, start, end, seed=seed), made.song, heard)
            yield part, repaint.choose_beats(part, repaint.correlations(part, quiet), quiet)


def add_steps(beats: Beats, targets: Path, path: Path, columns: Columns) -> None:
    """Whether the take steps more at each bar line than one in twenty of the song's does; next to joins apart."""
    count = int(beats.bar_beats[targets[0]])
    song = np.arange(len(beats))
    take = song.copy()
    take[targets] = path

    def step(played: Path, line: int) -> float:
        before, after = (beats.mel[played[a : a + count]].mean(axis=0) for a in (line - count, line))
        return float(np.abs(before - after).mean())

    def whole(line: int) -> bool:
        return bool(beats.position[line] == 0 and beats.inside[line - count : line + count].all())

    lines = [
        int(line) for line in song[count : len(song) - count + 1] if line < len(song) and whole(int(line))
    ]
    limit = float(np.percentile([step(song, line) for line in lines], 95))
    joins = targets[1:][np.diff(path) != 1]
    edges = (int(targets[0]), int(targets[-1]) + 1)
    for line in lines:
        if not edges[0] <= line <= edges[1]:
            continue
        rows = ["texture"] if line in edges else ["texture everywhere"]
        if line not in edges and len(joins) and np.abs(joins - line).min() <= count / 2:
            rows.append("texture inside")
        for heading, played in ((OURS, take), (ITSELF, song)):
            for row in rows:
                columns[heading].add(row, step(played, line) > limit)
