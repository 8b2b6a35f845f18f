"""Stems are taken out where needed, once, and what moves plus what stays is the song."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.rearrange import layers
from model.sketch.rearrange.layers import SongStems, StemSong, WholeSong
from model.sketch.rearrange.tape import Difference, Moved
from tests.model.sketch.songs import Generated, make_song


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(6)


@pytest.fixture(scope="module")
def stems(made: Generated) -> SongStems:
    return SongStems(made.song)


def pace() -> Pace:
    return Pace(lambda progress: None, lambda: False)


def test_the_whole_song_is_the_song(made: Generated) -> None:
    tape = WholeSong(made.song.samples).moving(0, 10)
    assert np.array_equal(tape.read(100, 200), made.song.samples[100:200])


@pytest.mark.parametrize("name", ["keep vocals", "drums only"])
def test_what_moves_and_what_stays_sum_to_the_song(made: Generated, stems: SongStems, name: str) -> None:
    first, last = made.bar_frame(2), made.bar_frame(3)
    moving = StemSong(stems, layers.LAYERS[name], pace()).moving(first, last)
    kept = Difference(Moved(made.song.samples), moving)
    total = moving.read(first, last) + kept.read(first, last)
    assert np.abs(total - made.song.samples[first:last]).max() < 1e-6


def test_a_span_inside_a_known_one_is_not_taken_apart_again(made: Generated, stems: SongStems) -> None:
    first, last = made.bar_frame(2), made.bar_frame(3)
    start, known = stems.over(first, last, pace())
    again, same = stems.over(first + 100, last - 100, pace())
    assert same is known
    assert again == start


def test_drums_are_mostly_the_drums(made: Generated, stems: SongStems) -> None:
    first, last = made.bar_frame(2), made.bar_frame(3)
    drums = StemSong(stems, layers.LAYERS["drums only"], pace()).moving(first, last).read(first, last)
    truth = made.stems["drums"][first:last]
    rest = made.song.samples[first:last] - truth

    def energy(samples: np.ndarray) -> float:
        return float(np.square(samples, dtype=np.float64).sum())

    assert energy(drums - truth) < 0.7 * energy(rest)
