"""Pitched sounds: in tune, held as long as they are asked for, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.band.synth_keys import KEYS, clock, envelope, hertz, noise, partials

RATE = 48000


def strongest_hertz(wave, near):
    """Frequency of the strongest line within a semitone of `near`."""
    padded = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 2**20))
    hz = np.fft.rfftfreq(2**20, 1 / RATE)
    window = (hz > near * 0.944) & (hz < near * 1.06)
    return hz[window][padded[window].argmax()]


@pytest.mark.parametrize("pitch", [40.0, 60.17, 76.0])
@pytest.mark.parametrize("sound", sorted(KEYS))
def test_pitched_sounds_are_in_tune(sound, pitch):
    wave = KEYS[sound](pitch, 1.5, 0.8, RATE).mean(axis=1)
    found = strongest_hertz(wave, hertz(pitch))
    # The pad is three voices a few cents apart; the strongest of them is found.
    assert abs(1200 * np.log2(found / hertz(pitch))) < (12.0 if sound == "pad" else 4.0)


def test_pitches_are_those_of_midi():
    assert hertz(69) == 440.0
    assert hertz(57.0) == pytest.approx(220.0)


@pytest.mark.parametrize("sound", ["electric piano", "synth bass", "pad", "organ", "lead"])
def test_what_is_held_sounds_on(sound):
    short, long = (KEYS[sound](60.0, held, 0.8, RATE) for held in (0.3, 1.3))
    assert len(long) - len(short) == pytest.approx(RATE, abs=1)
    late = slice(round(1.1 * RATE), round(1.2 * RATE))
    assert np.abs(long[late]).max() > 0.02
    assert not np.abs(short[late]).any()


def test_noise_goes_by_its_name():
    assert np.array_equal(noise(100, "breath"), noise(100, "breath"))
    assert not np.array_equal(noise(100, "breath"), noise(100, "pick"))


def test_an_envelope_rises_holds_and_has_fallen_after_its_release():
    level = envelope(clock(1.0, RATE), 0.5, 0.01, 0.1)
    assert level[0] == 0.0
    assert level[RATE // 4] == 1.0
    assert level[round(0.55 * RATE)] == pytest.approx(0.5, abs=1e-3)
    assert not level[round(0.61 * RATE) :].any()


def test_harmonics_that_would_fold_back_are_left_out():
    t = clock(0.1, 16000)
    two, four = (partials(t, 3000.0 * t, 3000.0, 16000, [1.0] * most, [0.0] * most) for most in (2, 4))
    np.testing.assert_array_equal(four, two)


def test_harmonics_are_what_their_sines_are():
    t = clock(0.05, RATE)
    found = partials(t, 220.0 * t, 220.0, RATE, [0.9, 0.5, 0.2], [0.0, 3.0, 0.0])
    sines = [np.sin(2 * np.pi * 220.0 * number * t) for number in (1, 2, 3)]
    np.testing.assert_allclose(
        found, 0.9 * sines[0] + 0.5 * np.exp(-3 * t) * sines[1] + 0.2 * sines[2], atol=1e-9
    )
