"""Crossfades: gains, lags and the choice of place."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.rearrange import joins
from model.sketch.rearrange.joins import Join, JoinChooser
from model.sketch.rearrange.tape import Moved


def test_gains_suit_how_alike_the_sides_are() -> None:
    fall, rise = joins.fade_gains(1000, 0.0)
    assert np.square(fall) + np.square(rise) == pytest.approx(np.ones(1000), abs=1e-5)
    fall, rise = joins.fade_gains(1000, 1.0)
    assert fall + rise == pytest.approx(np.ones(1000), abs=1e-5)
    assert (fall[0], rise[0]) == (1.0, 0.0)


def test_crossfade_of_equal_sides_changes_nothing_and_of_noise_keeps_its_power() -> None:
    rng = np.random.default_rng(0)
    noise, other = rng.normal(size=(2, 40000, 2)).astype(np.float32)
    assert joins.crossfade(noise, noise) == pytest.approx(noise, abs=1e-4)
    mixed = joins.crossfade(noise, other)
    for part in np.array_split(mixed, 8):
        assert part.std() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("delay", [-20, -3, 0, 7, 25])
def test_best_lag_finds_a_delay(delay: int) -> None:
    noise = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    old = noise[300:700]
    new = noise[300 - 30 + delay : 700 + 30 + delay]
    assert joins.best_lag(old, new) == delay


def test_the_join_avoids_the_note_that_only_one_side_has() -> None:
    """A hit just before the beat in the new take: crossing there would let it in by halves."""
    rate = 44100
    t = np.arange(4 * rate) / rate
    hum = 0.2 * np.sin(2 * np.pi * 200 * t)
    hit = hum.copy()
    at = 2 * rate - 900
    hit[at : at + 400] += np.random.default_rng(2).normal(0.0, 0.5, 400)
    old, new = (Moved(x[:, None].astype(np.float32)) for x in (hum, hit))
    chooser = JoinChooser(rate)
    over, before = Join(at - 200, 600), Join(at - 4000, 1000)
    assert chooser.best(old, new, [over, before], attack=True).first == before.first


def test_candidates_lie_between_their_bounds() -> None:
    chooser = JoinChooser(48000)
    for attack in (True, False):
        for join in chooser.candidates(10_000, 30_000, attack):
            assert join.first >= 10_000
            assert join.end <= 30_000
    assert chooser.candidates(10_000, 10_000, True) == [Join(10_000, 0)]
