"""A note where nothing else in the song sounds like the replaced bars, and none where something does."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.beats import Beats
from model.sketch.rearrange import plan, unmatched
from tests.model.sketch.songs import Generated, make_song, song_of

BARS = 10
LONELY = 5
"""Bar whose treble is missing."""


@pytest.fixture(scope="module")
def beats() -> Beats:
    made: Generated = make_song(BARS)
    samples = made.song.samples.copy()
    first, last = made.bar_frame(LONELY), made.bar_frame(LONELY + 1)
    dull = np.apply_along_axis(np.convolve, 0, samples[first:last], np.full(60, 1 / 60), mode="same")
    samples[first:last] = dull
    pace = Pace(lambda _: None, lambda: False)
    song = song_of(samples, made.song.rate)
    return analysis.on_grid(analysis.listen(song, pace), made.grid, None, pace).beats


def of_bar(beats: Beats, bar: int) -> np.ndarray:
    """Beats of a bar of the song, 0-based."""
    return np.flatnonzero(beats.bar == bar + 1).astype(np.intp)


def sources(beats: Beats, without: int) -> np.ndarray:
    inside = np.flatnonzero(beats.inside)
    return inside[beats.bar[inside] != without + 1].astype(np.intp)


def test_a_bar_that_nothing_sounds_like_is_named(beats: Beats) -> None:
    (note,) = unmatched.notes(beats, of_bar(beats, LONELY), sources(beats, LONELY), of_bar(beats, 7))
    assert note.startswith(f"Nothing else in the song sounds like bar {LONELY + 1}:")


def test_a_bar_made_from_another_arrangement_is_named(beats: Beats) -> None:
    (note,) = unmatched.notes(beats, of_bar(beats, 7), sources(beats, 7), of_bar(beats, LONELY))
    assert note.startswith("In bar 8 the arrangement is another one")


def test_bars_that_sound_alike_need_no_note(beats: Beats) -> None:
    assert unmatched.notes(beats, of_bar(beats, 7), sources(beats, 7), of_bar(beats, 8)) == ()


def test_the_plan_pays_for_another_arrangement_on_every_bar(beats: Beats) -> None:
    """Not only next to the edges: bars inside a repaint came from other sections."""
    bar, like = of_bar(beats, 7), plan.Targets(of_bar(beats, 7), of_bar(beats, 7))
    usual, lonely = (plan.likeness_costs(beats, like, of_bar(beats, k), 0.0, 0.0) for k in (8, LONELY))
    assert plan.bar_texture_distance(beats, bar, of_bar(beats, LONELY)).min() > 4.0
    assert np.diag(lonely - usual).min() > 1.0


def test_bars_in_words() -> None:
    assert unmatched.in_words([3]) == "3"
    assert unmatched.in_words([3, 4, 5]) == "3-5"
    assert unmatched.in_words([3, 7, 8]) == "3, 7-8"
