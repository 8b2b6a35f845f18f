"""Listening: chords, tuning, phase, level and key of songs whose truth is known, and its price."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from model.sketch import analysis, chords, onsets
from model.sketch import parameters as p
from model.sketch.analysis import Analysis
from model.sketch.pace import Pace
from tests.model.sketch.songs import Generated, make_song, song_of


def pace() -> Pace:
    return Pace(lambda progress: None, lambda: False)


def heard(made: Generated, key: str | None = None) -> Analysis:
    return analysis.on_grid(analysis.listen(made.song, pace()), made.grid, key, pace())


def true_and_found(made: Generated) -> tuple[np.ndarray, np.ndarray]:
    beats = heard(made).beats
    lead = int(np.searchsorted(made.grid.seconds, -1e-9))
    found = beats.chord.argmax(axis=1)[lead : lead + len(made.chords)]
    return made.chords, found


KINDS: list[dict[str, Any]] = [
    {},
    {"bar_beats": 3, "bpm": 90.0},
    {"drums": False},
    {"bpm": [96.0, 126.0]},
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


@pytest.mark.parametrize("late", [-0.05, 0.0, 0.03, 0.1])
def test_phase_of_clicks_within_5_ms(late: float) -> None:
    rng = np.random.default_rng(0)
    beats = np.arange(1, 19) * 0.5123
    signal = np.zeros(22050 * 11, dtype=np.float32)
    for seconds in beats + late:
        at = int(seconds * 22050)
        signal[at : at + 400] += (rng.normal(size=400) * np.exp(-np.arange(400) / 100)).astype(np.float32)
    envelope = onsets.onset_envelope(signal, lambda: None)
    phase = onsets.playing_phase(envelope, beats)
    assert phase.seconds == pytest.approx(late, abs=0.005)
    assert phase.contrast > p.PHASE_LEAST_CONTRAST


def test_no_phase_is_claimed_without_onsets() -> None:
    rng = np.random.default_rng(1)
    hiss = rng.normal(0.0, 0.1, 22050 * 20).astype(np.float32)
    phase = onsets.playing_phase(onsets.onset_envelope(hiss, lambda: None), np.arange(1, 38) * 0.5)
    assert phase.seconds == 0.0


def test_key_estimated_or_taken_from_the_host() -> None:
    made = make_song(16)
    assert str(heard(made).key) == "C major"
    assert str(heard(made, "F# minor").key) == "F# minor"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C major", (0, "major")),
        ("F# minor", (6, "minor")),
        ("Bb", (10, "major")),
        ("B♭ min", (10, "minor")),
        ("am", (9, "minor")),
        ("Cb major", (11, "major")),
        ("E dorian", (4, "minor")),
    ],
)
def test_key_names(text: str, key: tuple[int, str]) -> None:
    assert chords.parse_key(text) == chords.Key(*key)


@pytest.mark.parametrize("text", [None, "", "H major", "?"])
def test_what_is_no_key(text: str | None) -> None:
    assert chords.parse_key(text) is None


def test_posteriors_equal_the_direct_forward_backward() -> None:
    """The shortcut for equal change costs against the textbook recursion with a full transition matrix."""
    rng = np.random.default_rng(5)
    emission, cost = rng.normal(0.0, 2.0, (12, 24)), rng.uniform(0.5, 2.5, 12)
    forward = [np.exp(emission[0]) / 24]
    step = [np.exp(-c) * np.ones((24, 24)) + (1 - np.exp(-c)) * np.eye(24) for c in cost]
    for i in range(1, 12):
        forward.append((forward[-1] @ step[i]) * np.exp(emission[i]))
    backward = [np.ones(24)]
    for i in range(11, 0, -1):
        backward.insert(0, step[i] @ (backward[0] * np.exp(emission[i])))
    direct = np.array(forward) * np.array(backward)
    direct /= direct.sum(axis=1, keepdims=True)
    assert np.abs(chords.posteriors(emission, cost) - direct).max() < 1e-5


def test_two_minutes_are_heard_within_two_seconds_of_work() -> None:
    made = make_song(8)
    long = song_of(np.tile(made.song.samples, (8, 1))[: 120 * 44100], 44100)
    began = time.thread_time()
    analysis.on_grid(analysis.listen(long, pace()), make_song(4, bpm=120.0).grid, None, pace())
    assert time.thread_time() - began < 2.0


def test_beats_outside_the_song_are_no_beats() -> None:
    made = make_song(4)
    beats = heard(made).beats
    assert not beats.inside[:8].any()
    assert beats.inside[8:24].all()
    assert not beats.inside[24:].any()
    assert beats.sounding[8:24].all()
