"""New drum patterns keep to their rules and to their places."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import resequence
from model.sketch.rearrange.resequence import Slices
from model.sketch.rearrange.tape import Moved
from tests.model.sketch.songs import Generated, make_song

RATE = 44100
BARS = range(8, 24)  # grid indices of the beats of bars 1-4


@pytest.fixture(scope="module")
def made() -> Generated:
    return make_song(6)


@pytest.fixture(scope="module")
def rows(made: Generated) -> Beats:
    pace = Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats


@pytest.fixture(scope="module")
def slices(made: Generated, rows: Beats) -> Slices:
    return resequence.cut_slices(Moved(made.stems["drums"]), rows, np.array(BARS), 2, RATE)


def chosen(slices: Slices, rows: Beats, strength: float, fill: bool = False, seed: int = 1) -> np.ndarray:
    everywhere = np.ones(len(slices), dtype=bool)
    return resequence.choose_slices(slices, rows, everywhere, strength, fill, [seed])


def test_kick_snare_and_hat_are_distinguished(slices: Slices, rows: Beats) -> None:
    beat = rows.position[slices.beat]
    kicks = slices.sound[(~slices.off) & (beat == 0)]
    snares = slices.sound[(~slices.off) & (beat == 1)]
    assert kicks[:, 0].min() > 0.7
    assert snares[:, 1].min() > 0.7
    assert snares[:, 0].mean() < kicks[:, 0].mean() - 0.3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_changes_keep_the_parity_and_the_rules(slices: Slices, rows: Beats, seed: int) -> None:
    now = chosen(slices, rows, 0.5, seed=seed)
    changed = now != np.arange(len(now))
    assert (slices.off[now] == slices.off).all()
    for pair in range(0, len(now), 4):
        assert changed[pair : pair + 4].any(), "something new in every two beats"
    unlike = np.abs(slices.sound[now[changed]] - slices.sound[changed]).max(axis=1)
    assert (unlike > 0.3).all(), "an audible change"


def test_more_strength_changes_more_and_equal_seeds_the_same(slices: Slices, rows: Beats) -> None:
    share = [np.mean(chosen(slices, rows, s) != np.arange(len(slices))) for s in (0.0, 0.5, 1.0)]
    assert share == sorted(share)
    assert share[2] > share[0]
    assert np.array_equal(chosen(slices, rows, 0.5), chosen(slices, rows, 0.5))
    assert not np.array_equal(chosen(slices, rows, 0.5), chosen(slices, rows, 0.5, seed=2))


def test_nothing_outside_the_region_changes(made: Generated, slices: Slices, rows: Beats) -> None:
    region = np.zeros(len(slices), dtype=bool)
    region[8:16] = True
    now = resequence.choose_slices(slices, rows, region, 1.0, False, [1])
    assert (now[~region] == np.flatnonzero(~region)).all()
    drums = made.stems["drums"]
    played = resequence.play_slices(Moved(drums), slices, now, 0, 8 * RATE, RATE).read(0, 8 * RATE)
    outside = round(slices.start[8] * RATE) - 200
    assert np.array_equal(played[:outside], drums[:outside])
    assert not np.array_equal(played, drums[: 8 * RATE])


def test_a_played_slice_is_the_chosen_one_on_its_new_place(
    made: Generated, slices: Slices, rows: Beats
) -> None:
    now = chosen(slices, rows, 1.0)
    drums = made.stems["drums"]
    played = resequence.play_slices(Moved(drums), slices, now, 0, 8 * RATE, RATE)
    t = int(np.flatnonzero(now != np.arange(len(now)))[0])
    here, there = (round(slices.start[k] * RATE) for k in (t, int(now[t])))
    count = 4000
    assert np.array_equal(played.read(here, here + count), drums[there : there + count])
