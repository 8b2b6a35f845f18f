"""A slice of benchmarks/real_music as a gate: two pieces, a minute of each, one repaint and one continuation.

Where the packages cannot be fetched the test is skipped and says so.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.real_music import packages, rearranging
from benchmarks.sketch_columns import Column, Columns, gathered
from benchmarks.sketch_rearranging import ITSELF, OURS, render
from model.engine import Task
from model.sketch.engine import SketchEngine
from tests.model.sketch.songs import make_song, request_for, song_of

PIECES = ("instead", "zaz2")
"""The smallest packages, 3 and 20 MB: one piece that was tuned on, one that never was."""
SECONDS = 60.0


def test_a_song_plays_at_its_level_until_its_last_chord_rings_out() -> None:
    rate = 8000
    noise = np.random.default_rng(1).normal(0.0, 0.1, (20 * rate, 2)).astype(np.float32)
    assert rearranging.level_end(noise, rate) == 20 * rate
    noise[15 * rate :] *= np.geomspace(0.2, 0.001, 5 * rate)[:, None].astype(np.float32)
    assert rearranging.level_end(noise, rate) == pytest.approx(15 * rate, abs=0.4 * rate)


def test_a_fade_begins_where_the_song_is_last_at_its_level() -> None:
    rate = 8000
    noise = np.random.default_rng(1).normal(0.0, 0.1, (40 * rate, 2)).astype(np.float32)
    noise[24 * rate :] *= np.geomspace(1.0, 0.1, 16 * rate)[:, None].astype(np.float32)
    assert rearranging.fade_start(noise, rate) == pytest.approx(24 * rate, abs=3 * rate)
    assert rearranging.level_end(noise, rate) > 32 * rate


@pytest.mark.parametrize("silent", [False, True])
def test_a_beginning_after_silence_is_no_join(silent: bool) -> None:
    made = make_song(16)
    samples = made.song.samples[: made.beat_frame(60) + made.beat_frame(1) // 3].copy()
    if silent:
        samples[-made.beat_frame(1) :] = 0.0
    made = replace(made, song=song_of(samples, made.song.rate))
    end = len(samples)
    mix, report = render(SketchEngine(), request_for(made, end, end + made.beat_frame(16), Task.COMPLETE))
    beats, column = report.figures["source_beats"], Column()
    rearranging.add_flux(made, mix, report, np.ones(60), column)
    jumps = sum(two != one + 1 for one, two in pairwise(beats))
    assert len(column.values["join flux above"]) == jumps + (not silent)


@pytest.fixture(scope="module")
def measured() -> Columns:
    found, missing = packages.to_be_had(PIECES)
    if missing:
        pytest.skip(f"REAL MUSIC IS NOT MEASURED: {'; '.join(missing)}")
    song = functools.partial(packages.real_song, seconds=SECONDS)
    return gathered([rearranging.measure(name, song, quick=True) for name in found])


def mean(columns: Columns, name: str) -> float:
    return float(np.mean(columns[OURS].values[name]))


@pytest.mark.slow
def test_repaints_of_real_music_keep_to_it(measured: Columns) -> None:
    assert mean(measured, "outside") == 1.0
    assert mean(measured, "chroma") >= 0.86
    assert mean(measured, "loudness") <= 0.3
    assert mean(measured, "texture") == 0.0
    assert mean(measured, "novelty") <= 0.7
    own = np.mean(measured[ITSELF].values["click"])
    assert mean(measured, "click") <= own + 0.1


@pytest.mark.slow
def test_continuations_of_real_music_are_as_loud_as_it(measured: Columns) -> None:
    assert mean(measured, "continued loudness") <= 0.3
    assert max(measured[OURS].values["verbatim"]) <= 4.0
