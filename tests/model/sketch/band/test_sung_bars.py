"""Bars, beats and what is sung in them."""

from __future__ import annotations

import numpy as np
import pytest

from model.engine import Grid
from model.sketch.band.melody import Melody
from model.sketch.band.sung_bars import (
    bars_between,
    beat_groups,
    beat_time,
    histogram,
    long_notes,
    slots_of,
    sung_slots,
)
from tests.model.sketch.singing_machine import make_grid


def line(*notes):
    """A melody of (pitch, seconds); None is silence."""
    pitch = np.concatenate([np.full(round(s * 100), np.nan if p is None else float(p)) for p, s in notes])
    return Melody(pitch, np.isfinite(pitch).astype(float))


@pytest.mark.parametrize(
    ("beats", "unit", "groups"),
    [
        (4, 4, (2, 2)),
        (3, 4, (3,)),
        (2, 4, (2,)),
        (5, 4, (3, 2)),
        (6, 8, (3, 3)),
        (12, 8, (6, 6)),
        (9, 8, (6, 3)),
        (7, 8, (4, 3)),
        (2, 2, (1, 1)),
        (3, 8, (3,)),
    ],
)
def test_bars_fall_into_at_most_two_parts(beats, unit, groups):
    assert beat_groups(beats, unit) == groups


def test_beat_times_at_the_beats_are_the_grids():
    grid = make_grid(4, 4, [100 + 3 * k for k in range(16)])
    for index, seconds in enumerate(grid.seconds):
        assert beat_time(grid, float(index)) == seconds


def test_between_the_beats_of_a_steady_tempo_time_is_even():
    grid = make_grid(2, 4, 120)
    assert beat_time(grid, 4.25) == pytest.approx(grid.seconds[4] + 0.125)
    assert beat_time(grid, len(grid.seconds) + 1.0) == pytest.approx(grid.seconds[-1] + 1.0)
    assert beat_time(grid, -0.5) == pytest.approx(grid.seconds[0] - 0.25)


def test_a_step_of_the_tempo_waits_for_its_beat():
    grid = make_grid(2, 4, [120] * 4 + [60] * 4)
    assert beat_time(grid, 7.5) == pytest.approx(grid.seconds[7] + 0.25)
    assert beat_time(grid, 8.5) == pytest.approx(grid.seconds[8] + 0.5)


def test_inside_a_ramp_time_follows_the_tempo():
    """Tempo linear in time from 90 to 150 over 12 s: beat(t) = 1.5 t + t^2 / 24, so t is known for every beat."""
    beats = np.arange(20)
    seconds = -18 + np.sqrt(18**2 + 24 * beats)
    tempo = 90 + 5 * seconds
    grid = Grid(seconds, beats % 4, np.full(20, 4), beats // 4 + 1, tempo)
    for beat in np.arange(0, 19, 0.125):
        exact = -18 + np.sqrt(18**2 + 24 * beat)
        assert beat_time(grid, float(beat)) == pytest.approx(exact, abs=2e-5)


def test_bars_that_touch_the_region_are_taken():
    grid = make_grid(4, 4, 120)
    assert [bar.number for bar in bars_between(grid, 0.0, 8.0)] == [1, 2, 3, 4]
    assert [bar.number for bar in bars_between(grid, 1.0, 2.5)] == [1, 2]
    assert [bar.number for bar in bars_between(grid, 2.0, 4.0001)] == [2]
    assert [bar.number for bar in bars_between(grid, 7.0, 9.0)] == [4, 5]
    assert bars_between(grid, 900.0, 901.0) == []


def test_meter_changes_make_bars_of_their_own_length():
    beat_in_bar = np.array([0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 3])
    bar_beats = np.array([4] * 4 + [3] * 3 + [4] * 4)
    bar = np.array([1] * 4 + [2] * 3 + [3] * 4)
    grid = Grid(np.arange(11) * 0.5, beat_in_bar, bar_beats, bar, np.full(11, 120.0))
    bars = bars_between(grid, 0.0, 5.5)
    assert [(b.number, b.beats, b.start, b.end) for b in bars] == [
        (1, 4, 0, 2),
        (2, 3, 2, 3.5),
        (3, 4, 3.5, 5.5),
    ]
    assert slots_of(bars) == [(0, 0, 2), (0, 2, 2), (1, 4, 3), (2, 7, 2), (2, 9, 2)]


def test_slots_hold_what_is_sung_in_them():
    grid = make_grid(2, 4, 120)
    bars = bars_between(grid, 0.0, 4.0)
    slots = sung_slots(line((60.3, 1.0), (64.3, 1.0), (None, 1.0), (67.3, 1.0)), 0.3, grid, bars)
    assert slots.weights.shape == (4, 12)
    assert [list(np.flatnonzero(row > 0.05)) for row in slots.weights] == [[0], [4], [], [7]]
    assert list(slots.sounding) == [True, True, False, True]
    assert slots.weights[0, 0] == pytest.approx(1.0, abs=0.05)
    assert list(slots.bar) == [0, 0, 1, 1]
    assert list(slots.opens_bar) == [True, False, True, False]


def test_strong_beats_weigh_more():
    grid = make_grid(1, 4, 60)
    total = histogram(line((60, 1.0), (62, 1.0), (64, 1.0), (65, 1.0)), 0.0, grid)
    assert total[0] > total[4] > total[2]
    assert total[2] == pytest.approx(total[5], rel=0.1)


def test_long_notes_are_found_and_short_ones_left_out():
    notes = long_notes(
        line((60, 0.5), (62, 0.1), (None, 0.2), (67, 0.4), (None, 0.04), (67, 0.3), (None, 1.0)), 0.0
    )
    assert [pitch_class for _, pitch_class in notes] == [0, 7]
    assert notes[1][0] == pytest.approx(0.8, abs=0.03)
