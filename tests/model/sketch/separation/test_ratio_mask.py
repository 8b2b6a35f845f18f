"""Stems share the mix: nothing is lost, and each gets what its estimate claims."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.separation.channel_spectra import Framing
from model.sketch.separation.ratio_mask import remainder, share_out

FRAMING = Framing(44100, 4096)


def quiet() -> None:
    """A tick nobody listens to."""


def tone(frequency: float) -> np.ndarray:
    time = np.arange(44100) / 44100
    return np.repeat(np.sin(2 * np.pi * frequency * time)[:, None], 2, axis=1).astype(np.float32)


def test_each_stem_gets_what_its_estimate_claims() -> None:
    low, high = tone(200.0), tone(3000.0)
    stems, claims = share_out(low + high, {"bass": 0.5 * low, "other": high}, FRAMING, quiet)
    assert list(stems) == ["bass"]
    middle = slice(4096, -4096)
    assert np.abs(stems["bass"] - low)[middle].max() < 0.02
    undisputed, claimed = claims["bass"]
    assert undisputed / claimed > 0.98


def test_equal_claims_halve_the_sound() -> None:
    sound = tone(500.0)
    stems, claims = share_out(sound, {"bass": sound, "other": sound}, FRAMING, quiet)
    np.testing.assert_allclose(stems["bass"], sound / 2, atol=1e-3)
    undisputed, claimed = claims["bass"]
    assert undisputed / claimed == pytest.approx(0.5, abs=1e-3)


def test_remainder_closes_the_sum_to_rounding() -> None:
    rng = np.random.default_rng(1)
    source, one, two = (rng.uniform(-1, 1, (5000, 2)).astype(np.float32) for _ in range(3))
    rest = remainder(source, one, two)
    total = rest.astype(np.float64) + one + two
    assert np.abs(total - source).max() < 2e-7
