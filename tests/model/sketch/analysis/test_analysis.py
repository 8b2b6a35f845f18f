"""Listening: chords, tuning, phase, level and key of songs whose truth is known, and its price."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.analysis.analysis import Analysis
from tests.model.sketch.songs import Generated, make_song, song_of


def pace() -> Pace:
    return Pace(lambda progress: None, lambda: False)


def analysed(made: Generated, key: str | None = None) -> Analysis:
    return analysis.on_grid(analysis.listen(made.song, pace()), made.grid, key, pace())


def true_and_found(made: Generated) -> tuple[np.ndarray, np.ndarray]:
    beats = analysed(made).beats
    lead = int(np.searchsorted(made.grid.seconds, -1e-9))
    found = beats.chord.argmax(axis=1)[lead : lead + len(made.chords)]
    return made.chords, found


KINDS: list[dict[str, Any]] = [
    {},
    {"bar_beats": 3, "bpm": 90.0},
    {"drums": False},
    {"bpm": (96.0, 126.0)},
]


@pytest.mark.parametrize("options", KINDS)
def test_chords_of_every_beat(options: dict[str, Any]) -> None:
    truth, found = true_and_found(make_song(16, **options))
    assert np.mean(truth == found) >= 0.97


@pytest.mark.parametrize("cents", [-30.0, 0.0, 24.0])
def test_tuning_is_measured(cents: float) -> None:
    # Played faster by the ratio, everything is sharper by the cents; the grid must shrink with it.
    made = make_song(8, drums=False)
    ratio = 2.0 ** (cents / 1200.0)
    count = int(made.song.frames / ratio)
    at = np.arange(count) * ratio
    mono = np.interp(at, np.arange(made.song.frames), made.song.samples[:, 0])
    listened = analysis.listen(song_of(mono[:, None].astype(np.float32), 44100), pace())
    assert 100 * analysis.on_grid(listened, made.grid, None, pace()).tuning == pytest.approx(cents, abs=4.0)


def test_key_estimated_or_taken_from_the_host() -> None:
    made = make_song(16)
    assert str(analysed(made).key) == "C major"
    assert str(analysed(made, "F# minor").key) == "F# minor"


@pytest.mark.alone  # it keeps time
def test_two_minutes_are_analysed_within_two_seconds_of_work() -> None:
    made = make_song(8)
    long = song_of(np.tile(made.song.samples, (8, 1))[: 120 * 44100], 44100)
    began = time.thread_time()
    analysis.on_grid(analysis.listen(long, pace()), make_song(4, bpm=120.0).grid, None, pace())
    assert time.thread_time() - began < 2.0


def test_beats_outside_the_song_are_no_beats() -> None:
    made = make_song(4)
    beats = analysed(made).beats
    assert not beats.inside[:8].any()
    assert beats.inside[8:24].all()
    assert not beats.inside[24:].any()
    assert beats.sounding[8:24].all()
