"""Copies are recognised, also when a few milliseconds late; unrelated beats are not."""

from __future__ import annotations

import numpy as np

from model.sketch import parameters as p
from model.sketch.analysis import novelty


def test_copies_late_copies_and_strangers() -> None:
    rate, beat = p.NOVELTY_RATE, 0.5
    rng = np.random.default_rng(0)
    sound = rng.normal(size=round(beat * rate)).astype(np.float32)
    late = np.roll(sound, round(0.01 * rate))
    stranger = rng.normal(size=len(sound)).astype(np.float32)
    audio = np.concatenate([sound, sound, late, stranger])
    seconds = np.arange(5) * len(sound) / rate
    targets, sources = np.array([0]), np.array([1, 2, 3])
    wanted = np.array([[True, True, True]])
    found = novelty.correlations(audio, seconds, targets, sources, wanted, lambda: None)[0]
    assert found[0] > 0.999
    assert found[1] > 0.9
    assert found[2] < 0.2
    none = novelty.correlations(audio, seconds, targets, sources, ~wanted, lambda: None)
    assert not none.any()


def test_a_bright_copy_between_two_samples_is_a_copy() -> None:
    """At 44.1 kHz it is moved by whole samples, which are quarters of one here."""
    rng, length = np.random.default_rng(1), 4096
    sound = rng.normal(size=length).astype(np.float32)
    for quarters in (1, 2, 3):
        turn = np.exp(-2j * np.pi * np.fft.rfftfreq(length) * quarters / 4)
        turn[-1] = 0.0
        moved = np.fft.irfft(np.fft.rfft(sound) * turn, length)
        audio = np.concatenate([sound, moved]).astype(np.float32)
        seconds = np.arange(3) * length / p.NOVELTY_RATE
        one, other = np.array([0]), np.array([1])
        found = novelty.correlations(audio, seconds, one, other, np.array([[True]]), lambda: None)
        assert found[0, 0] > p.LOOP_COPY
