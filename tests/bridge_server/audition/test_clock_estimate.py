"""Another clock, read with jitter."""

import numpy as np
import pytest

from bridge_server.audition.clock_estimate import ClockEstimate

RATE = 48000


def readings(seconds, every=0.05, ppm=0.0, late_ms=4.0, seed=1):
    """A transport that began at 10 s of the timeestimate: its messages are late, each by its own."""
    random = np.random.default_rng(seed)
    for when in np.arange(0, seconds, every):
        yield when + random.uniform(0, late_ms / 1000), (10 + when * (1 + ppm / 1e6)) * RATE


def test_where_it_is_is_steadier_than_any_message():
    estimate = ClockEstimate(RATE)
    for when, shown in readings(4):
        assert estimate.add(when, shown)
    error_ms = (estimate.at(4.0) / RATE - 14.0) * 1000
    assert -2.8 < error_ms < -1.2  # the middle of what messages are late by


@pytest.mark.parametrize("ppm", [-80.0, 0.0, 150.0])
def test_how_fast_it_runs(ppm):
    estimate = ClockEstimate(RATE)
    for when, shown in readings(60, ppm=ppm, late_ms=2.0):
        estimate.add(when, shown)
    assert estimate.drift_ppm == pytest.approx(ppm, abs=25)


def test_drift_is_not_guessed_from_a_second():
    estimate = ClockEstimate(RATE)
    for when, shown in readings(1):
        estimate.add(when, shown)
    assert estimate.drift_ppm is None


def test_one_late_message_moves_nothing_and_a_locate_does():
    estimate = ClockEstimate(RATE)
    for when, shown in readings(2, late_ms=0):
        estimate.add(when, shown)
    assert estimate.add(2.3, 12.0 * RATE)  # 300 ms late
    assert estimate.at(2.5) == pytest.approx(12.5 * RATE)
    assert estimate.add(2.55, 40.0 * RATE)
    assert not estimate.add(2.60, 40.05 * RATE)  # two that agree: it was moved
    assert estimate.at(3.0) == pytest.approx(40.45 * RATE)
