"""Spectra of several channels: there and back, and frame sizes in seconds."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.channel_spectra import Framing, analyse, joint_magnitude, synthesise


def quiet() -> None:
    """A tick nobody listens to."""


@pytest.mark.parametrize(("rate", "n"), [(44100, 8192), (48000, 8192), (22050, 4096), (11025, 2048)])
def test_windows_last_equally_long_at_every_rate(rate: int, n: int) -> None:
    assert Framing.of(rate, 0.186).n == n


@pytest.mark.parametrize("channels", [1, 2])
def test_synthesise_undoes_analyse(channels: int) -> None:
    framing = Framing(44100, 1024)
    sound = np.random.default_rng(2).standard_normal((9001, channels)).astype(np.float32)
    spectra = analyse(sound, framing, quiet)
    ones = np.ones(spectra.shape[1:], dtype=np.float32)
    np.testing.assert_allclose(synthesise(spectra, ones, framing, len(sound), quiet), sound, atol=1e-5)


def test_no_panning_and_no_phase_hides_a_sound() -> None:
    spectra = np.ones((2, 3, 4), dtype=np.complex64)
    spectra[1] *= -1
    np.testing.assert_allclose(joint_magnitude(spectra), np.sqrt(2), rtol=1e-6)


def test_medians_have_a_middle() -> None:
    framing = Framing(44100, 8192)
    assert framing.odd_frames(0.4) % 2 == 1
    assert framing.odd_bins(100.0) % 2 == 1
