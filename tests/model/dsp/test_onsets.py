"""Note beginnings in sounds whose onsets are known, and the flux they are found by."""

import numpy as np
import pytest

from daw_protocol.requests import PROJECT_RATES
from model.dsp import onsets
from model.dsp.onsets import find_onsets, flux
from tests.clip_store.sounds import drums, notes, tone

SECONDS = 4


@pytest.mark.parametrize("rate", PROJECT_RATES)
def test_drum_hits_are_found_within_two_milliseconds(rate):
    samples, expected = drums(SECONDS * rate, rate, rate // 4, rate // 5)
    found = find_onsets(samples, rate)
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 0.002 * rate


@pytest.mark.parametrize("rate", [44100, 96000])
def test_notes_are_found_within_two_milliseconds(rate):
    expected = [rate // 5 + n * rate // 3 for n in range(10)]
    found = find_onsets(notes(rate, expected), rate)
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 0.002 * rate


def test_hits_over_a_pad():
    samples, expected = drums(SECONDS * 48000, 48000, 12000, 6000)
    samples += tone(len(samples), 48000, 330.0, 0.1)
    found = find_onsets(samples, 48000)
    near = [np.abs(found - onset).min() for onset in expected]
    assert max(near) < 0.003 * 48000


def test_level_does_not_matter():
    samples, _ = drums(SECONDS * 48000, 48000, 12000, 6000)
    assert np.allclose(find_onsets(samples, 48000), find_onsets(samples * 0.001, 48000), atol=5)


def test_long_sounds_are_looked_at_in_blocks_without_a_seam(monkeypatch):
    samples, _ = drums(SECONDS * 48000, 48000, 12000, 6000)
    whole = find_onsets(samples, 48000)
    monkeypatch.setattr(onsets, "_FRAMES_AT_ONCE", 7)
    assert np.allclose(find_onsets(samples, 48000), whole, atol=1e-3)


def test_flux_counts_rises_only_and_goes_on_from_block_to_block():
    levels = np.array([[0.0, 1.0, 0.5, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0, 4.0]])
    expected = [0.0, 0.5, 0.5, 0.75, 1.5]
    assert flux([levels]).tolist() == expected
    assert flux([levels[:, :2], levels[:, 2:3], levels[:, 3:]]).tolist() == expected
    assert len(flux([])) == 0
