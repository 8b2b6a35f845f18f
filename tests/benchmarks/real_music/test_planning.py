"""Planned takes are measured against the song's own bar lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.real_music import planning
from benchmarks.real_music.further import FURTHER
from benchmarks.real_music.pieces import PIECES
from benchmarks.sketch_columns import Column, Columns
from benchmarks.sketch_rearranging import ITSELF, OURS
from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from tests.model.sketch.songs import Generated, make_song

THIN = 40
"""The first beat of a bar in which half of the bands are 30 dB down."""


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(24)


@pytest.fixture(scope="module")
def beats(made: Generated) -> Beats:
    quiet = Pace(lambda _: None, lambda: False)
    found = analysis.on_grid(analysis.listen(made.song, quiet), made.grid, None, quiet).beats
    mel = found.mel.copy()
    mel[THIN : THIN + 4, 20:] -= 30.0
    return replace(found, mel=mel)


def steps(beats: Beats, targets: np.ndarray, path: np.ndarray) -> Columns:
    columns: Columns = {heading: Column() for heading in (OURS, ITSELF)}
    planning.add_steps(beats, targets, path, columns)
    return columns


def test_a_step_next_to_a_join_is_counted_and_the_songs_own_beside_it(beats: Beats) -> None:
    targets = np.arange(60, 72)
    path = np.concatenate([np.arange(24, 28), np.arange(THIN, THIN + 4), np.arange(32, 36)])
    found = steps(beats, targets, path)
    assert found[OURS].values["texture inside"] == [1.0, 1.0]
    assert found[ITSELF].values["texture inside"] == [0.0, 0.0]
    assert found[OURS].values["texture"] == [0.0, 0.0]


def test_a_step_inside_a_run_counts_among_all_bar_lines_only(beats: Beats) -> None:
    found = steps(beats, np.arange(60, 72), np.arange(THIN - 4, THIN + 8))
    assert "texture inside" not in found[OURS].values
    assert found[OURS].values["texture everywhere"] == [1.0, 1.0]


def test_every_place_is_planned_with_every_seed(made: Generated) -> None:
    found = list(planning.planned(made))
    assert len(found) == len(planning.PLACES) * len(planning.SEEDS)
    assert all(len(path) == len(part.targets) and not set(path) & set(part.targets) for part, path in found)


def test_harmony_is_that_of_the_beats_chosen(made: Generated) -> None:
    chroma, column = planning.song_chroma(made), Column()
    first = int(np.searchsorted(made.grid.seconds, -1e-9)) + 16
    targets = np.arange(first, first + 16)
    planning.add_chroma(chroma, targets, targets, column)
    assert np.allclose(column.values["chroma"], 1.0)
    planning.add_chroma(chroma, targets, targets + 4, other := Column())
    assert np.mean(other.values["chroma"]) < 0.9, "the next bar has another chord"


def test_further_pieces_are_files_beside_those_of_their_package() -> None:
    assert not set(FURTHER) & set(PIECES)
    assert FURTHER["nebula"].files == ("share/games/singularity/music/Nebula.ogg",)
    song, guitar = FURTHER["war_of_freedom"].files
    assert song.endswith("sectoid/War of freedom/song.ogg")
    assert guitar.endswith("sectoid/War of freedom/guitar.ogg")
