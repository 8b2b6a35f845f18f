"""Measures extracted stems against the true ones."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.sketch_columns import Column, Columns
from model.engine import Piece, Report, Task
from model.sketch.engine import SketchEngine
from model.sketch.separation.separation_parameters import STEM_NAMES
from tests.model.sketch import stem_songs
from tests.model.sketch.songs import Generated, beats_at, grid_of, request_for, song_of
from tests.model.sketch.stem_figures import si_sdr

OURS, MIXTURE = "Sketch", "the mixture"
SECONDS = 24.0

SONGS: dict[str, str] = {name.replace("kept_aside", "held_out"): name for name in stem_songs.STYLES}
QUICK = ("pop", "held_out_soul")


def measure(name: str) -> Columns:
    """Everything about the named song."""
    source = stem_songs.make(SONGS[name], SECONDS)
    song = song_of(source.mix, source.rate)
    tempo = stem_songs.STYLES[SONGS[name]].tempo
    made = Generated(
        song, grid_of(beats_at(tempo, int(SECONDS * tempo / 60))), source.stems, np.zeros(0, np.int64)
    )
    engine = SketchEngine()
    engine.load(lambda _: None)
    began = time.thread_time()
    *pieces, report = engine.render(
        request_for(made, 0, song.frames, Task.EXTRACT), lambda _: None, lambda: False
    )
    load = (time.thread_time() - began) / SECONDS
    assert isinstance(report, Report)
    stems = {piece.stem: piece.samples for piece in pieces if isinstance(piece, Piece)}
    ours, mixture = Column(), Column()
    ours.add("extraction time", load)
    total = np.sum([stem.astype(np.float64) for stem in stems.values()], axis=0)
    ours.add("sum error", float(np.abs(total - song.samples).max()) * 1e6)
    for stem in STEM_NAMES:
        truth = source.stems[stem]
        if not truth.any():
            continue
        found, floor = si_sdr(truth, stems[stem]), si_sdr(truth, song.samples)
        if stem == "vocals" and not stems[stem].any():
            found = floor  # nothing delivered is nothing gained
        ours.add(f"gain {stem}", found - floor)
        ours.add(f"absolute {stem}", found)
        mixture.add(f"gain {stem}", 0.0)
        mixture.add(f"absolute {stem}", floor)
        if name.startswith("held_out"):
            ours.add(f"gain {stem} held out", found - floor)
    ours.add("singer found", report.figures["has_vocal"] == bool(source.stems["vocals"].any()))
    return {OURS: ours, MIXTURE: mixture}
