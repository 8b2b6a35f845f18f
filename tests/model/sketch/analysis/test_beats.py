"""Which beats a region touches, and means over slots."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis, beats
from model.sketch.analysis.beats import Beats
from tests.model.sketch.songs import make_song


@pytest.fixture(scope="module")
def rows() -> Beats:
    made = make_song(4, drums=False)
    pace = Pace(lambda progress: None, lambda: False)
    return analysis.on_grid(analysis.listen(made.song, pace), made.grid, None, pace).beats


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.0, 2.0, range(8, 12)),  # bar 1: eight beats of the grid lie before it
        (0.01, 1.99, range(8, 12)),  # a few milliseconds off the beat touch no other beat
        (0.25, 1.75, range(8, 12)),
        (0.45, 0.75, range(9, 10)),  # a sliver of beat 1 does not count
        (0.1, 0.15, range(8, 9)),
        (-50.0, 0.5, range(9)),
    ],
)
def test_span(rows: Beats, start: float, end: float, expected: range) -> None:
    assert rows.span(start, end) == expected


def test_slot_means_are_means_and_short_slots_take_the_nearest_frame() -> None:
    frames = np.arange(10, dtype=np.float32)[:, None]
    edges = np.array([0.0, 0.4, 0.41, 1.0, 5.0])
    assert beats.slot_means(frames, edges, 10.0)[:, 0] == pytest.approx([1.5, 4.0, 6.5, 9.0])


def test_unrelated_beats_are_about_one_apart() -> None:
    rng = np.random.default_rng(0)
    scaled = beats.scaled(rng.normal(0.0, 7.0, (90, 52)).astype(np.float32), np.ones(90, dtype=bool))
    apart = np.linalg.norm(scaled[:30] - scaled[40:70], axis=1)
    assert np.median(apart) == pytest.approx(1.0, abs=0.1)
