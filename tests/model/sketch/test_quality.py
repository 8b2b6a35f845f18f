"""A slice of benchmarks/sketch_quality.py as a gate: one song per task, limits with room for the sample's smallness.

The full table, with every song and baseline, is in docs/sketch.md.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from benchmarks import sketch_backing, sketch_rearranging, sketch_stems
from benchmarks.forest import area_under_curve, forest_scores
from benchmarks.seams import Moments, analyse, features, seam_auc
from benchmarks.sketch_columns import Column, Columns, Row, gathered, table
from benchmarks.sketch_rearranging import CUT, FADED, ITSELF, OURS


def mean(columns: Columns, heading: str, name: str) -> float:
    return float(np.mean(columns[heading].values[name]))


def percentile(columns: Columns, heading: str, name: str, rank: float) -> float:
    return float(np.percentile(columns[heading].values[name], rank))


@functools.cache
def rearranged() -> Columns:
    return gathered([sketch_rearranging.measure(name) for name in ("waltz96", "pop92")])


@pytest.mark.slow
def test_repaints_keep_to_the_song() -> None:
    found = rearranged()
    assert mean(found, OURS, "click") <= 0.1  # of some 35 joins: all songs together stay under 0.03
    assert mean(found, OURS, "texture") <= 0.10
    assert percentile(found, OURS, "onset", 50) <= percentile(found, ITSELF, "onset", 50) + 3.0
    assert percentile(found, OURS, "onset", 90) <= percentile(found, ITSELF, "onset", 90) + 6.0
    assert mean(found, OURS, "chroma") >= 0.86
    assert mean(found, OURS, "chord") >= 0.85
    assert mean(found, OURS, "loudness") <= 0.5
    assert mean(found, OURS, "outside") == 1.0


@pytest.mark.slow
def test_repaints_are_news_and_takes_differ() -> None:
    found = rearranged()
    assert mean(found, OURS, "novelty") <= 0.7
    assert mean(found, OURS, "copies") < 0.01
    assert min(found[OURS].values["takes"]) == 8
    assert mean(found, OURS, "monotone") == 1.0
    assert mean(found, OURS, "strength 0") > mean(found, OURS, "strength 1") + 0.05


@pytest.mark.slow
def test_repaints_beat_the_baselines_they_are_shown_beside() -> None:
    """A measure on which hard cuts and random bars do as well would say nothing."""
    found = rearranged()
    for baseline in (FADED, CUT):
        assert mean(found, OURS, "chroma") > mean(found, baseline, "chroma") + 0.15
        assert mean(found, OURS, "texture") < mean(found, baseline, "texture")
        assert mean(found, OURS, "loudness") < mean(found, baseline, "loudness")
        assert mean(found, OURS, "chord") > mean(found, baseline, "chord") + 0.4


@pytest.mark.slow
def test_continuations_follow_the_song() -> None:
    found = rearranged()
    assert mean(found, OURS, "transitions") >= 0.95
    assert mean(found, OURS, "join flux above") <= 0.2
    assert mean(found, OURS, "continued loudness") <= 0.7
    assert max(found[OURS].values["verbatim"]) <= 4.0


@pytest.mark.slow
def test_a_backing_finds_key_and_chords() -> None:
    ours = sketch_backing.measure("Greensleeves")
    assert mean(ours, OURS, "folk chords") >= 0.7
    assert mean(ours, OURS, "folk chords") > mean(ours, sketch_backing.TONIC, "folk chords") + 0.15
    assert mean(ours, OURS, "strong beats") >= 0.85
    assert mean(ours, OURS, "key found") == 1.0
    assert mean(ours, OURS, "tuning error") <= 8.0


@pytest.mark.slow
def test_stems_come_nearer_to_the_true_ones() -> None:
    ours = sketch_stems.measure("pop")
    for stem, least in (("vocals", 8.0), ("drums", 7.0), ("bass", 6.0), ("other", 4.0)):
        assert mean(ours, OURS, f"gain {stem}") >= least
    assert mean(ours, OURS, "sum error") <= 1.0
    assert mean(ours, OURS, "singer found") == 1.0


# --- The measures themselves ---


def rows_of_two_kinds(apart: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    y = np.arange(240) % 2 == 1
    x = rng.normal(size=(240, 6))
    x[:, 2] += apart * y
    return x, y, np.arange(240) // 40


def test_the_forest_finds_what_differs_and_nothing_else() -> None:
    for apart, low, high in ((0.0, 0.4, 0.6), (1.0, 0.65, 0.85), (4.0, 0.97, 1.0)):
        x, y, group = rows_of_two_kinds(apart)
        assert low <= area_under_curve(forest_scores(x, y, group, trees=30), y) <= high


def test_ties_say_nothing() -> None:
    assert area_under_curve(np.ones(6), np.array([True, False] * 3)) == 0.5


def test_a_cut_is_distinguished_from_the_sound_it_was_made_in() -> None:
    """Tones cut into at other phases, against the same tones untouched."""
    songs = []
    for hertz in (197.0, 233.0, 311.0, 402.0, 489.0):
        tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(8 * 22050) / 22050)[:, None].astype(np.float32)
        cut = tone.copy()
        places = list(range(3 * 22050, 6 * 22050, 11025))
        for number, place in enumerate(places):
            cut[place : place + 11025] = tone[place + 40 + number : place + 11025 + 40 + number]
        analysed, untouched = analyse(cut, 22050), analyse(tone, 22050)
        songs.append(
            Moments(
                np.array([features(analysed, place) for place in places]),
                np.array([features(untouched, place) for place in places]),
            )
        )
    assert seam_auc(songs) > 0.9
    same = [Moments(song.untouched, song.untouched) for song in songs]
    assert seam_auc(same) < 0.6


def test_the_table_prints_means_percentiles_and_leaves_out_what_was_not_measured() -> None:
    ours = Column()
    ours.add("error", 1.0, 2.0, 6.0)
    rows = (
        Row("mean error", "< 4", "error"),
        Row("worst error", "", "error", "100", digits=0),
        Row("nothing", "", "no"),
    )
    lines = table(rows, {"ours": ours}, ("ours", "theirs")).splitlines()
    assert lines[2:] == ["| mean error | 3.00 |  | < 4 |", "| worst error | 6 |  |  |"]
