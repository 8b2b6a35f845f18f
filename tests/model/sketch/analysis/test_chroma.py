"""Pitch classes of tones whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch import parameters as p
from model.sketch.analysis import chroma


def analysed(hz: float) -> tuple[np.ndarray, np.ndarray, float]:
    t = np.arange(4 * p.ANALYSIS_RATE) / p.ANALYSIS_RATE
    tone = (0.2 * np.sin(2 * np.pi * hz * t)).astype(np.float32)
    magnitudes = chroma.pitch_spectrogram(tone, lambda: None)
    medians = chroma.beat_medians(magnitudes, np.array([0.5, 1.0, 1.5, 2.0]), lambda: None)
    return chroma.beat_chroma(medians)


@pytest.mark.parametrize(("hz", "pitch_class"), [(261.63, 0), (440.0, 9), (1174.7, 2)])
def test_a_tone_lights_its_pitch_class(hz: float, pitch_class: int) -> None:
    bass, treble, tuning = analysed(hz)
    assert treble.shape == (3, 12)
    assert (treble.argmax(axis=1) == pitch_class).all()
    assert not bass.any()
    assert tuning == pytest.approx(0.0, abs=0.03)


def test_bass_and_treble_are_distinguished() -> None:
    bass, treble, _ = analysed(110.0)
    assert (bass.argmax(axis=1) == 9).all()
    assert not treble.any()


def test_a_sharp_tone_is_tuned_not_moved() -> None:
    _, treble, tuning = analysed(440.0 * 2 ** (0.3 / 12))
    assert tuning == pytest.approx(0.3, abs=0.03)
    assert (treble.argmax(axis=1) == 9).all()


def test_silence_has_no_pitch() -> None:
    medians = np.zeros((2, chroma._LAST_BIN - chroma.FIRST_BIN), dtype=np.float32)
    bass, treble, tuning = chroma.beat_chroma(medians)
    assert not bass.any()
    assert not treble.any()
    assert tuning == 0.0
