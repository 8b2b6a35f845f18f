"""Gains, ramps, fades and the limiter."""

from __future__ import annotations

import numpy as np
import pytest

from model.dsp import loudness
from model.sketch.rearrange import levels


def test_matching_gain_is_clamped_and_silence_is_left_alone() -> None:
    assert levels.matching_gain_db(-20.0, -18.0, 6.0) == 2.0
    assert levels.matching_gain_db(-30.0, -10.0, 6.0) == 6.0
    assert levels.matching_gain_db(-120.0, -10.0, 6.0) == 0.0
    assert levels.matching_gain_db(-10.0, -120.0, 6.0) == 0.0


def test_ramps_start_and_end_at_unity_only_where_the_song_goes_on() -> None:
    curve = levels.ramped(2.0, 44100, 44100, at_start=True, at_end=False)
    assert curve[0] == 1.0
    assert curve[22050:] == pytest.approx(2.0)
    assert np.abs(np.diff(curve)).max() < 1e-3


def test_fade_out_reaches_silence() -> None:
    fade = levels.fade_out(1000, 200, 800)
    assert (fade[:200] == 1.0).all()
    assert fade[800:].max() < 1e-12
    assert (np.diff(fade) <= 0).all()


def test_a_swell_is_even_in_decibels_and_steady_beside() -> None:
    swell = levels.Swell(400, -20.0)
    gains = 20.0 * np.log10(swell.gains(1000, 100))
    assert gains[:101] == pytest.approx(-20.0, abs=1e-4)
    assert gains[300] == pytest.approx(-10.0, abs=1e-4)
    assert gains[500:] == pytest.approx(0.0, abs=1e-4)
    assert swell.settles
    assert not levels.Swell(400, -20.0, -5.0).settles
    assert levels.Swell(1, -20.0).gains(3) == pytest.approx([0.1, 1.0, 1.0])


def test_limiter_keeps_true_peaks_under_the_ceiling_and_quiet_parts_untouched() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(0.0, 0.1, (44100, 2)).astype(np.float32)
    signal[20000:20100] *= 12.0
    limited, deepest = levels.limit_peaks(signal, 44100, 0.9)
    assert loudness.true_peak(limited) <= 0.9 * 1.02
    assert deepest < 1.0
    assert np.array_equal(limited[:15000], signal[:15000])
    same, gain = levels.limit_peaks(signal, 44100, 100.0)
    assert same is signal
    assert gain == 1.0


def test_a_loud_masters_take_does_not_clip():
    """A true peak above full scale, between samples that are below it: so a take's samples could be, too."""
    tone = np.sin(2.0 * np.pi * (np.arange(44100) * 0.25 + 0.125))  # its peaks fall between the samples
    song = np.stack([0.97 * tone / np.abs(tone).max()] * 2, axis=1).astype(np.float32)
    ceiling = float(loudness.true_peak(song))
    assert ceiling > 1.2
    take = song * np.float32(0.1)
    take[20000] = 1.1  # a hit that falls onto a sample
    assert np.abs(levels.limit_peaks(take, 44100, ceiling)[0]).max() > 1.0
    limited, _ = levels.limit_peaks(take, 44100, ceiling, levels.highest_sample(song, take))
    assert np.abs(limited).max() <= levels.FULL_SCALE + 1e-6
    louder = (song * np.float32(1.4)).astype(np.float32)  # of floats, beyond full scale by itself
    assert levels.highest_sample(louder, louder) == pytest.approx(float(np.abs(louder).max()))
