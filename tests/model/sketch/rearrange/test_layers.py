"""Stems are taken out where needed, once, and what moves plus what stays is the song."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
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


def drums_of(stems: SongStems) -> StemSong:
    return StemSong(stems, layers.LAYERS["drums only"], pace())


def separated(take: StemSong, first: int, last: int) -> Moved:
    """Everything the take separated for these frames, margins included."""
    tape = take.moving(first, last)
    assert isinstance(tape, Moved)
    return tape


def test_a_take_separates_a_span_inside_one_of_its_own_once(made: Generated, stems: SongStems) -> None:
    take, first, last = drums_of(stems), made.bar_frame(2), made.bar_frame(3)
    known = separated(take, first, last)
    again = separated(take, first + 100, last - 100)
    assert again.samples is known.samples
    assert again.offset == known.offset


def test_another_take_of_the_same_span_uses_it_again(made: Generated, stems: SongStems) -> None:
    first, last = made.bar_frame(2), made.bar_frame(3)
    known = separated(drums_of(stems), first, last)
    assert separated(drums_of(stems), first, last).samples is known.samples


def test_what_other_takes_separated_changes_no_sample(made: Generated) -> None:
    """A larger span has other stems: a take that met one of these would depend on the requests before it."""
    first, last = made.bar_frame(3), made.bar_frame(4)
    alone = separated(drums_of(SongStems(made.song)), first, last)
    used = SongStems(made.song)
    larger = separated(drums_of(used), made.bar_frame(1), last)
    after = separated(drums_of(used), first, last)
    assert not np.array_equal(larger.read(first, last), alone.read(first, last))
    assert np.array_equal(after.read(first, last), alone.read(first, last))


def test_the_oldest_spans_are_forgotten(made: Generated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "KEPT_SPANS", 1)
    stems, bar = SongStems(made.song), made.bar_frame(1)
    known = separated(drums_of(stems), 0, bar)
    separated(drums_of(stems), bar, 2 * bar)
    again = separated(drums_of(stems), 0, bar)
    assert again.samples is not known.samples
    assert np.array_equal(again.samples, known.samples)


def test_drums_are_mostly_the_drums(made: Generated, stems: SongStems) -> None:
    first, last = made.bar_frame(2), made.bar_frame(3)
    drums = StemSong(stems, layers.LAYERS["drums only"], pace()).moving(first, last).read(first, last)
    truth = made.stems["drums"][first:last]
    rest = made.song.samples[first:last] - truth

    def energy(samples: np.ndarray) -> float:
        return float(np.square(samples, dtype=np.float64).sum())

    assert energy(drums - truth) < 0.7 * energy(rest)
