"""Another clock, read with jitter."""

import numpy as np
import pytest

from bridge_server.audition.clock_estimate import ClockEstimate
from bridge_server.audition.sync_offset import TOLERATED_SECONDS, SyncOffset

RATE = 48000


def readings(seconds, every=0.05, ppm=0.0, late_ms=4.0, seed=1):
    """A transport that began at 10 s of the timeline: its messages are late, each by its own."""
    random = np.random.default_rng(seed)
    for when in np.arange(0, seconds, every):
        yield when + random.uniform(0, late_ms / 1000), (10 + when * (1 + ppm / 1e6)) * RATE


def test_where_it_is_is_steadier_than_any_message():
    line = ClockEstimate(RATE)
    for when, shown in readings(4):
        assert line.add(when, shown)
    error_ms = (line.at(4.0) / RATE - 14.0) * 1000
    assert -2.8 < error_ms < -1.2  # the middle of what messages are late by


@pytest.mark.parametrize("ppm", [-80.0, 0.0, 150.0])
def test_how_fast_it_runs(ppm):
    line = ClockEstimate(RATE)
    for when, shown in readings(60, ppm=ppm, late_ms=2.0):
        line.add(when, shown)
    assert line.drift_ppm == pytest.approx(ppm, abs=25)


def test_drift_is_not_guessed_from_a_second():
    line = ClockEstimate(RATE)
    for when, shown in readings(1):
        line.add(when, shown)
    assert line.drift_ppm is None


def test_one_late_message_moves_nothing_and_a_locate_does():
    line = ClockEstimate(RATE)
    for when, shown in readings(2, late_ms=0):
        line.add(when, shown)
    assert line.add(2.3, 12.0 * RATE)  # 300 ms late
    assert line.at(2.5) == pytest.approx(12.5 * RATE)
    assert line.add(2.55, 40.0 * RATE)
    assert not line.add(2.60, 40.05 * RATE)  # two that agree: it was moved
    assert line.at(3.0) == pytest.approx(40.45 * RATE)


def test_what_is_heard_is_moved_only_when_it_is_off():
    sync_offset = SyncOffset(RATE)
    for when, shown in readings(2, late_ms=0):
        sync_offset.reading(when, round(shown), True)
    jitter = np.random.default_rng(2).uniform(-0.003, 0.003, 200)
    near = [sync_offset.compare(2 + 0.03 * n, (12 + 0.03 * n + off) * RATE) for n, off in enumerate(jitter)]
    assert not any(near)
    assert abs(sync_offset.offset_ms) < 1
    sync_offset.moved()
    off = TOLERATED_SECONDS * 2
    far = [sync_offset.compare(2 + 0.03 * n, (12 + 0.03 * n + off) * RATE) for n in range(40)]
    assert far.index(True) == 23  # once it is sure
    assert sync_offset.offset_ms == pytest.approx(off * 1000, abs=0.1)


def test_far_off_is_moved_at_once():
    sync_offset = SyncOffset(RATE)
    for when, shown in readings(2, late_ms=0):
        sync_offset.reading(when, round(shown), True)
    found = [sync_offset.compare(2 + 0.03 * n, (20 + 0.03 * n) * RATE) for n in range(4)]
    assert found == [False, True, True, True]


def test_it_stands_still_when_it_says_so_or_says_nothing():
    sync_offset = SyncOffset(RATE, patience=0.5)
    assert not sync_offset.is_rolling(0.0)
    sync_offset.reading(1.0, 0, True)
    assert sync_offset.is_rolling(1.4)
    assert not sync_offset.is_rolling(1.6)
    sync_offset.reading(2.0, 480, False)
    assert not sync_offset.is_rolling(2.0)
    assert sync_offset.position(2.0) == 480
