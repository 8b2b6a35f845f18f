"""Loudness against pyloudnorm and the standard's own test tone; true peak against a known sine."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from model.sketch import loudness


def noise_with_pause(rate: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    signal = rng.normal(0.0, 0.1, (rate * 6, channels))
    signal[rate * 2 : rate * 4] *= 0.001
    return signal.astype(np.float32)


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_agrees_with_pyloudnorm(rate: int, channels: int) -> None:
    signal = noise_with_pause(rate, channels)
    theirs = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(signal.astype(np.float64))
    assert loudness.integrated(signal, rate) == pytest.approx(theirs, abs=0.1)


def test_full_scale_sine_at_997_hz_is_minus_3_lufs() -> None:
    tone = np.sin(2 * np.pi * 997 * np.arange(48000 * 3) / 48000)[:, None]
    assert loudness.integrated(tone, 48000) == pytest.approx(-3.01, abs=0.02)


def test_k_weighting_at_48_khz_is_the_standards_table() -> None:
    shelf, high_pass = loudness.k_weighting(48000)
    assert shelf[:3] == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-6)
    assert shelf[4:] == pytest.approx([-1.69065929318241, 0.73248077421585], abs=1e-6)
    assert high_pass[4:] == pytest.approx([-1.99004745483398, 0.99007225036621], abs=1e-6)


def test_silence_nothing_and_short_passages() -> None:
    assert loudness.integrated(np.zeros((48000, 2), np.float32), 48000) == loudness.SILENCE_LUFS
    assert loudness.integrated(np.zeros((0, 2), np.float32), 48000) == loudness.SILENCE_LUFS
    tone = np.sin(2 * np.pi * 997 * np.arange(4800) / 48000)[:, None]
    assert loudness.integrated(tone, 48000) == pytest.approx(-3.0, abs=0.5)


def test_steps_in_blocks_equal_steps_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = noise_with_pause(22050, 1)
    whole = loudness.power_steps(signal, 22050, 105)
    monkeypatch.setattr(loudness, "_FILTER_BLOCK", 5000)
    assert loudness.power_steps(signal, 22050, 105) == pytest.approx(whole, rel=1e-4, abs=1e-9)


def test_true_peak_finds_the_top_between_samples() -> None:
    # A quarter-rate sine at 45 degrees never samples its top.
    t = np.arange(4800)
    sine = np.sin(np.pi / 2 * t + np.pi / 4)[:, None] * np.hanning(4800)[:, None]
    assert np.abs(sine).max() < 0.71
    assert loudness.true_peak(sine) == pytest.approx(1.0, abs=0.03)
    assert loudness.song_true_peak(sine, 48000) == pytest.approx(1.0, abs=0.03)
