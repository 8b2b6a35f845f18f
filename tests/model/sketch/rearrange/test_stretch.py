"""Stretching: pitch and level stay, hits move to their place, stereo stays."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.rearrange import stretch
from model.sketch.rearrange.tape import Moved

RATE = 44100
BEATS = np.arange(1, 7) * 0.5


def stretched(signal: np.ndarray, ratio: float) -> np.ndarray:
    targets = 1.0 + BEATS * ratio
    tape = stretch.stretched(Moved(signal.astype(np.float32)), RATE, BEATS, targets, lambda: None)
    return tape.read(round(targets[0] * RATE), round(targets[-1] * RATE))


@pytest.mark.parametrize("ratio", [0.8, 1.1, 1.25])
def test_notes_keep_pitch_and_level(ratio: float) -> None:
    t = np.arange(4 * RATE) / RATE
    tone = 0.2 * np.sin(2 * np.pi * 220 * t) + 0.1 * np.sin(2 * np.pi * 440 * t)
    out = stretched(np.stack([tone, 0.5 * tone], axis=1), ratio)
    assert len(out) == pytest.approx(2.5 * ratio * RATE, abs=2)
    spectrum = np.abs(np.fft.rfft(out[:, 0] * np.hanning(len(out))))
    assert spectrum.argmax() * RATE / len(out) == pytest.approx(220.0, abs=0.7)
    assert out[:, 0].std() == pytest.approx(tone.std(), rel=0.05)
    assert out[:, 1] == pytest.approx(0.5 * out[:, 0], abs=1e-3)


@pytest.mark.parametrize("ratio", [0.8, 0.95, 1.25])
def test_hits_land_on_the_new_beats_with_their_strength(ratio: float) -> None:
    rng = np.random.default_rng(0)
    hit = rng.normal(size=2000) * np.exp(-np.arange(2000) / 300)
    clicks = np.zeros(4 * RATE)
    for beat in BEATS:
        at = round(beat * RATE)
        clicks[at : at + 2000] += hit
    out = np.abs(stretched(clicks[:, None], ratio)[:, 0])
    for k in range(1, len(BEATS) - 1):
        at = round(0.5 * k * ratio * RATE)
        around = out[at - 1000 : at + 1000]
        onset = int(np.argmax(around > 0.3 * np.abs(hit).max())) - 1000
        assert abs(onset) < 0.002 * RATE
        energy = np.square(out[at - 100 : at + 900]).sum() / np.square(hit[:900]).sum()
        assert np.sqrt(energy / ratio) == pytest.approx(1.0, abs=0.13), "energy grows with the length only"


def test_notes_and_hits_sum_to_the_sound() -> None:
    sound = np.random.default_rng(3).normal(0.0, 0.1, (RATE, 2)).astype(np.float32)
    notes, hits = stretch.split_hits(sound, RATE, lambda: None)
    assert notes + hits == pytest.approx(sound, abs=1e-6)
