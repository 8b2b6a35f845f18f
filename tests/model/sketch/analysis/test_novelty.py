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
