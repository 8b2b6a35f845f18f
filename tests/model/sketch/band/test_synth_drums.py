"""The kit: each drum has its place in General MIDI, is hit rather than played, and sounds where it should."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.band.synth_drums import DRUM_PITCHES, DRUMS, band
from model.sketch.band.synth_keys import noise

RATE = 48000


def centre_hertz(wave):
    """Where half of the energy lies below and half above."""
    energy = np.abs(np.fft.rfft(wave[:, 0])) ** 2
    return np.fft.rfftfreq(len(wave), 1 / RATE)[np.searchsorted(np.cumsum(energy), energy.sum() / 2)]


def test_every_drum_has_a_place_in_general_midi():
    assert set(DRUM_PITCHES) == set(DRUMS)
    assert len(set(DRUM_PITCHES.values())) == len(DRUMS)


@pytest.mark.parametrize("drum", DRUMS)
def test_a_drum_knows_no_pitch_and_no_length(drum):
    np.testing.assert_array_equal(DRUMS[drum](36.0, 0.1, 0.8, RATE), DRUMS[drum](72.0, 2.0, 0.8, RATE))


@pytest.mark.parametrize("drum", DRUMS)
def test_a_drum_ends_by_itself(drum):
    wave = DRUMS[drum](0.0, 0.0, 1.0, RATE)
    assert wave.dtype == np.float32
    assert wave.shape[1] == 1
    assert np.abs(wave[-1]) < 1e-6
    assert np.abs(wave[len(wave) // 2 :]).max() < np.abs(wave).max()


def test_a_kit_goes_from_low_to_high():
    kit = ("kick", "low tom", "mid tom", "high tom", "snare", "closed hat")
    centres = [centre_hertz(DRUMS[drum](0.0, 0.0, 0.9, RATE)) for drum in kit]
    assert centres == sorted(centres)
    assert centres[0] < 120 < 5000 < centres[-1]


def test_a_band_falls_twelve_decibels_an_octave_on_either_side():
    spectrum = np.abs(np.fft.rfft(band(noise(RATE, "test"), RATE, 1000.0, 4000.0)))
    given = np.abs(np.fft.rfft(noise(RATE, "test")))
    gain = 20 * np.log10(spectrum[1:] / given[1:])  # one bin a hertz
    assert gain[124] - gain[249] == pytest.approx(-12.0, abs=0.5)
    assert gain[15999] - gain[7999] == pytest.approx(-10.6, abs=0.5)
