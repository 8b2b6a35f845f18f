"""A device that pulls, a filler that stays ahead, and switches written over what is filled."""

import time
from fractions import Fraction

import numpy as np
import pytest

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.loop_clock import LoopClock
from bridge_server.audition.loop_reader import LoopReader
from bridge_server.audition.playback import AHEAD_SECONDS, Playback
from bridge_server.audition.resampled_audio import ResampledAudio
from tests.bridge_server.audition.cranked import CrankedOutlet

RATE = 48000
PATIENCE = 10


def constant(value):
    audio = ResampledAudio(LayeredAudio(np.full((60 * RATE, 2), value, np.float32), RATE), RATE, 2)
    return lambda frame: LoopReader(audio, LoopClock(frame, 0, Fraction(0), Fraction(RATE), False))


@pytest.fixture
def playback():
    found = Playback(CrankedOutlet())
    yield found
    found.close(at_once=True)


def wait_until(held):
    end = time.monotonic() + PATIENCE
    while not held():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_the_ring_buffer_is_filled_before_the_device_starts(playback):
    playback.begin(constant(0.5))
    assert playback.ring_buffer.filled >= AHEAD_SECONDS * RATE
    assert (playback.outlet.pull(480) == 0.5).all()


def test_a_switch_overwrites_what_is_filled_and_comes_soon(playback):
    playback.begin(constant(0.25))
    playback.outlet.pull(480)
    switch = playback.switch(constant(0.75))
    assert not switch.late
    assert switch.frame < playback.ring_buffer.filled
    while playback.ring_buffer.taken < switch.frame + 960:
        playback.outlet.pull(480)
    played = playback.outlet.played[:, 0]
    assert (played[: switch.frame] == 0.25).all()
    assert (played[switch.frame + 480 :] == 0.75).all()


def test_what_is_audible_lags_behind_by_the_reported_latency(playback):
    playback.begin(constant(0.5))
    assert playback.audible().frame == 0
    for _ in range(20):
        playback.outlet.pull(480)
    audible = playback.audible()
    assert 0 < audible.frame <= playback.ring_buffer.taken
    assert abs(audible.when - time.perf_counter()) < PATIENCE


def test_a_filler_that_fails_is_noticed(playback, caplog):
    playback.begin(constant(0.5))

    def broken(*_):
        raise KeyError("a bug")

    playback.output_mix.read = broken
    playback.outlet.pull(4800)  # so that there is something to fill
    wait_until(lambda: playback.failed)
    assert "filler failed" in caplog.text


def test_a_device_that_was_never_pulled_is_not_silent_yet(playback):
    assert playback.silent_for() == 0.0
    playback.begin(constant(0.5))
    playback.outlet.pull(480)
    assert 0 <= playback.silent_for() < PATIENCE
