"""Hits against held notes, kick against bass, and cymbals against held bright sounds."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.channel_spectra import Framing, Magnitude, analyse, joint_magnitude
from model.sketch.separation.percussive import (
    cymbal_mask,
    drummer_present,
    low_band,
    median_along_frequency,
    median_along_time,
    percussive_mask,
    rising_edge,
    sudden_lows,
    thump_part,
)
from model.sketch.separation.separation_parameters import DEFAULT

RATE = 44100
LONG = Framing.of(RATE, DEFAULT.percussive.window_seconds)
SHORT = Framing.of(RATE, DEFAULT.voice.window_seconds)
TIME = np.arange(3 * RATE) / RATE


def quiet() -> None:
    """A tick nobody listens to."""


def magnitude_of(mono: np.ndarray, framing: Framing) -> Magnitude:
    return joint_magnitude(analyse(mono.astype(np.float32)[:, None], framing, quiet))


def share(mask: Magnitude, magnitude: Magnitude) -> float:
    return float(np.sum((mask * magnitude) ** 2) / np.sum(magnitude**2))


def bursts(every: float, decay: float, noise: np.ndarray) -> np.ndarray:
    return noise * np.exp(-(TIME % every) / decay)


NOISE = np.random.default_rng(3).standard_normal(len(TIME))
HELD = np.sin(2 * np.pi * 220 * TIME) + np.sin(2 * np.pi * 330 * TIME)


def test_noise_bursts_are_hits_and_held_notes_are_not() -> None:
    hits, held = magnitude_of(bursts(0.5, 0.02, NOISE), LONG), magnitude_of(HELD, LONG)
    assert share(percussive_mask(hits, LONG, DEFAULT.percussive, quiet), hits) > 0.7
    assert share(percussive_mask(held, LONG, DEFAULT.percussive, quiet), held) < 0.02


@pytest.mark.parametrize(("loudness", "expected"), [(0.0, 0.0), (2.0, 1.0)])
def test_drummer_is_present_when_hits_carry_energy(loudness: float, expected: float) -> None:
    magnitude = magnitude_of(HELD + loudness * bursts(0.5, 0.05, NOISE), LONG)
    mask = percussive_mask(magnitude, LONG, DEFAULT.percussive, quiet)
    assert drummer_present(magnitude, mask, DEFAULT.percussive) == pytest.approx(expected, abs=0.05)


def test_a_kick_thumps_and_a_held_bass_does_not() -> None:
    kick = magnitude_of(np.sin(2 * np.pi * 50 * TIME) * np.exp(-(TIME % 1.0) / 0.06), LONG)
    bass = magnitude_of(np.sin(2 * np.pi * 55 * TIME), LONG)
    middle = slice(10, -10)  # the first and last frames see the sound begin and end
    low = low_band(LONG, DEFAULT.low_band.edge_hertz, DEFAULT.low_band.fade_hertz)
    thump, held = (
        thump_part(heard, sudden, sudden)
        for heard in (kick, bass)
        for sudden in (sudden_lows(heard, LONG, DEFAULT.low_band, quiet),)
    )
    assert share((thump * low)[:, middle], kick[:, middle]) > 0.6
    assert share((held * low)[:, middle], bass[:, middle]) < 0.02


def test_what_no_kick_explains_does_not_thump() -> None:
    heard = magnitude_of(bursts(0.5, 0.02, NOISE), LONG)
    sudden = sudden_lows(heard, LONG, DEFAULT.low_band, quiet)
    whole, half = (thump_part(heard, sudden, part * sudden) for part in (np.float32(1), np.float32(0.5)))
    np.testing.assert_allclose(half, whole / 2, rtol=1e-4, atol=1e-6)
    assert not whole[len(sudden) :].any()


def test_a_ride_is_struck_and_a_steady_hiss_is_not() -> None:
    ride = magnitude_of(bursts(0.75, 0.3, NOISE), SHORT)
    hiss = magnitude_of(NOISE, SHORT)
    bright = slice(int(5000 / SHORT.bin_hertz), None)
    struck = cymbal_mask(ride, SHORT, DEFAULT.cymbal, quiet)[bright]
    steady = cymbal_mask(hiss, SHORT, DEFAULT.cymbal, quiet)[bright]
    assert share(struck, ride[bright]) > 0.75
    assert share(steady, hiss[bright]) < 0.55


def test_cymbals_leave_low_sounds_alone() -> None:
    mask = cymbal_mask(magnitude_of(bursts(0.75, 0.3, NOISE), SHORT), SHORT, DEFAULT.cymbal, quiet)
    assert not mask[: int(2400 / SHORT.bin_hertz)].any()


def test_edges_are_where_they_are_asked_for() -> None:
    edge = rising_edge(SHORT, 1000.0, 4000.0)[:, 0]
    hertz = np.arange(SHORT.bins) * SHORT.bin_hertz
    assert not edge[hertz <= 1000].any()
    assert (edge[hertz >= 4000] == 1).all()
    assert edge[np.argmin(np.abs(hertz - 2000))] == pytest.approx(0.5, abs=0.01)


def test_medians_in_pieces_equal_the_median_of_the_whole() -> None:
    from scipy.ndimage import median_filter

    magnitude = np.random.default_rng(0).random((513, 700)).astype(np.float32)
    calls = []
    along_time = median_along_time(magnitude, 9, lambda: calls.append(1))
    along_frequency = median_along_frequency(magnitude, 19, lambda: calls.append(1))
    np.testing.assert_array_equal(along_time, median_filter(magnitude, (1, 9), mode="nearest"))
    np.testing.assert_array_equal(along_frequency, median_filter(magnitude, (19, 1), mode="nearest"))
    assert len(calls) > 4
