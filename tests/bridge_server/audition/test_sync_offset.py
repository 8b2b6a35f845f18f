"""When playback must move to stay with a transport."""

import numpy as np
import pytest

from bridge_server.audition.sync_offset import TOLERATED_SECONDS, SyncOffset
from tests.bridge_server.audition.test_clock_estimate import readings

RATE = 48000


def test_playback_moves_only_when_it_is_off():
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


def test_far_off_it_moves_at_once():
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
