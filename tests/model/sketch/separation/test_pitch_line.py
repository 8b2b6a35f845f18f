"""Finding one pitch among partials, following it, and the comb it makes."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.channel_spectra import Framing, analyse, joint_magnitude
from model.sketch.separation.pitch_line import (
    best_line,
    comb,
    harmonic_salience,
    hertz_of,
    partial_levels,
    read_at,
)

RATE = 44100
FRAMING = Framing(RATE, 4096)
CANDIDATES = hertz_of(np.arange(40, 84, 0.25))


def quiet() -> None:
    """A tick nobody listens to."""


def tone(frequency: float, partials: int = 10) -> np.ndarray:
    time = np.arange(RATE) / RATE
    return np.sum([np.sin(2 * np.pi * frequency * h * time) / h for h in range(1, partials + 1)], axis=0)


@pytest.mark.parametrize("frequency", [110.0, 220.0, 261.6, 587.3])
def test_salience_peaks_at_the_pitch_not_an_octave_off(frequency: float) -> None:
    magnitude = joint_magnitude(analyse(tone(frequency).astype(np.float32)[:, None], FRAMING, quiet))
    salience = harmonic_salience(np.sqrt(magnitude), FRAMING, CANDIDATES, 12, 0.86, 0.3)
    found = CANDIDATES[salience[:, 20].argmax()]
    assert abs(12 * np.log2(found / frequency)) < 0.3


def test_the_line_ignores_a_short_louder_distraction() -> None:
    salience = np.zeros((50, 60), dtype=np.float32)
    salience[20] = 1.0
    salience[45, 30] = 1.5
    assert (best_line(salience, 3, 0.05, 1.0, quiet) == 20).all()


def test_the_line_follows_a_glide_and_a_leap() -> None:
    path = np.concatenate([np.arange(5, 25), np.full(20, 40)])
    salience = np.zeros((50, len(path)), dtype=np.float32)
    salience[path, np.arange(len(path))] = 1.0
    np.testing.assert_array_equal(best_line(salience, 3, 0.05, 1.0, quiet), path)


def test_teeth_stand_on_the_partials_and_nowhere_else() -> None:
    teeth = comb(np.full(3, 441.0), FRAMING, 5, 30.0, 1.2, 20000.0, quiet)
    at = np.round(441.0 * np.arange(1, 7) / FRAMING.bin_hertz).astype(int)
    assert (teeth[at[:5], 1] > 0.9).all()
    assert teeth[at[5], 1] == 0
    assert teeth[np.round(at[:5] * 1.0 - 20).astype(int), 1].max() < 0.01


def test_reads_between_bins_and_nothing_beyond_the_last() -> None:
    magnitude = np.arange(FRAMING.bins, dtype=np.float32)[:, None]
    values = read_at(magnitude, FRAMING, np.array([10.5, FRAMING.bins + 3.0]) * FRAMING.bin_hertz)
    np.testing.assert_allclose(values[:, 0], [10.5, 0.0], rtol=1e-5)


def test_partial_levels_are_those_of_the_tone() -> None:
    magnitude = joint_magnitude(analyse(tone(440.0, 4).astype(np.float32)[:, None], FRAMING, quiet))
    levels = partial_levels(magnitude, FRAMING, np.full(magnitude.shape[1], 440.0), 6)[:, 20]
    np.testing.assert_allclose(levels[:4] / levels[0], [1, 1 / 2, 1 / 3, 1 / 4], rtol=0.15)
    assert levels[4:].max() < 0.02 * levels[0]
