"""Loudness against pyloudnorm and the standard's own test tone; true peak against a known sine."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from daw_protocol.requests import PROJECT_RATES
from model.dsp import loudness
from tests.clip_store.sounds import noise, tone

RATE = 48000
NOTHING = np.zeros((0, 1))


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


def test_k_weighting_at_48_khz_is_the_standards_table() -> None:
    shelf, high_pass = loudness.k_weighting(48000)
    assert shelf[:3] == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-6)
    assert shelf[4:] == pytest.approx([-1.69065929318241, 0.73248077421585], abs=1e-6)
    assert high_pass[4:] == pytest.approx([-1.99004745483398, 0.99007225036621], abs=1e-6)


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


@pytest.mark.parametrize("rate", PROJECT_RATES)
def test_the_reference_tone(rate):
    """BS.1770-4: a 997 Hz sine at 0 dBFS in one channel reads -3.01 LKFS; EBU Tech 3341 allows 0.1 LU."""
    allowed = 0.02 if rate == 48000 else 0.1  # the standard's own table is for 48 kHz
    assert loudness.integrated(tone(3 * rate, rate, 997.0, 1.0), rate) == pytest.approx(-3.01, abs=allowed)
    assert loudness.integrated(tone(3 * rate, rate, 997.0, 0.1, 2), rate) == pytest.approx(-20.0, abs=allowed)


@pytest.mark.parametrize("frames", [1, 2, 100, 4800, 19199, 19200, 19201])
def test_short_stretches_have_a_loudness(frames):
    value = loudness.integrated(noise(frames, level=0.5), RATE)
    assert -60 < value < 0


def test_a_short_tone_reads_nearly_as_the_long_one():
    short, long = (loudness.integrated(tone(frames, RATE, 997.0), RATE) for frames in (4800, 3 * RATE))
    assert short == pytest.approx(long, abs=0.5)


@pytest.mark.parametrize("rate", PROJECT_RATES)
def test_the_step_to_a_whole_block_is_smooth(rate):
    block = round(0.4 * rate)
    values = [loudness.integrated(tone(frames, rate, 997.0), rate) for frames in range(block - 3, block + 4)]
    assert max(values) - min(values) < 0.01


def test_silence():
    assert loudness.integrated(NOTHING, RATE) == -np.inf
    assert loudness.integrated(np.zeros((RATE, 2)), RATE) == -np.inf
    assert loudness.integrated(tone(3 * RATE, level=1e-5), RATE) == -np.inf
    assert loudness.peak_db(NOTHING) == loudness.decibels(loudness.true_peak(NOTHING)) == -np.inf


@pytest.mark.parametrize("rate", [44100, 48000, 88200, 96000])
def test_true_peak_between_samples(rate):
    """BS.1770-4 annex 2: a sine at a quarter of the rate, sampled at 45 degrees, peaks 3 dB above its samples."""
    wave = np.sin(np.pi / 2 * np.arange(rate) + np.pi / 4)[:, None] * np.hanning(rate)[:, None]
    assert loudness.peak_db(wave) == pytest.approx(-3.01, abs=0.01)
    assert loudness.decibels(loudness.true_peak(wave)) == pytest.approx(0.0, abs=0.2)


def test_a_short_stretch_below_the_gate_is_silence() -> None:
    """As it is in a long one: what the absolute gate shuts out has no loudness, however short."""
    quiet = tone(4800, hertz=997.0, level=10 ** (-71 / 20), channels=1)
    assert loudness.integrated(quiet, RATE) == -np.inf


@pytest.mark.parametrize("frames", [1, 2, 3, 17, 1000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_frame_has_its_peak(frames: int, channels: int) -> None:
    samples = noise(frames, channels)
    peaks = loudness.frame_peaks(samples)
    assert peaks.shape == (frames,)
    assert (peaks >= np.abs(samples).max(axis=1)).all()
    assert loudness.true_peak(samples) == peaks.max()
    assert np.array_equal(loudness.frame_peaks(samples[:, 0]), loudness.frame_peaks(samples[:, :1]))


def test_peaks_of_either_sign() -> None:
    assert loudness.peak(np.array([[0.25], [-0.5]])) == loudness.peak(np.array([[-0.25], [0.5]])) == 0.5
