"""The room and the ceiling: block by block is the same as at once, and nothing passes -1 dBFS."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch.band.mixdown import CEILING, KNEE, Reverb, ceiling_gain, room, to_channels

RATE = 44100


def noise(frames, seed=0):
    return np.random.RandomState(seed).uniform(-1, 1, (frames, 2)).astype(np.float32)


@pytest.mark.parametrize("cuts", [(1000,), (17, 30000), (44100, 44101)])
def test_a_reverb_fed_in_blocks_is_the_reverb_of_the_whole(cuts):
    dry = noise(60000)
    whole = Reverb(RATE, 0.7).process(dry)
    reverb = Reverb(RATE, 0.7)
    pieces = [reverb.process(block) for block in np.split(dry, cuts)]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=2e-5)


def test_the_room_falls_sixty_decibels_in_its_time():
    response = room(RATE, 1.0).astype(float)
    early = np.mean(response[round(0.05 * RATE) : round(0.15 * RATE)] ** 2)
    late = np.mean(response[round(0.85 * RATE) : round(0.95 * RATE)] ** 2)
    # 0.8 s of one second's 60 dB, a little more because the top is gone sooner.
    assert 44 < 10 * np.log10(early / late) < 62
    assert not response[: round(0.011 * RATE)].any()


@pytest.mark.parametrize("rate", [44100, 96000])
def test_the_room_is_as_loud_at_every_rate(rate):
    seconds = 1.5
    t = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * hz * t) for hz in np.geomspace(300, 2000, 40)) / 10
    wet = Reverb(rate, 1.0).process(np.stack([tones, tones], axis=1).astype(np.float32))
    ratio = np.sqrt(np.mean(wet[rate // 2 :] ** 2) / np.mean(tones**2))
    assert ratio == pytest.approx(1.0, abs=0.25)


def test_the_ceiling_holds_and_leaves_quiet_sound_alone():
    loud = 3 * noise(5000)
    assert np.abs(loud * ceiling_gain(loud)).max() <= CEILING
    quiet = (KNEE * 0.99) * noise(5000)
    assert (ceiling_gain(quiet) == 1.0).all()


def test_the_ceiling_keeps_the_order_of_levels():
    ramp = np.linspace(0, 4, 2000, dtype=np.float32)[:, None]
    assert (np.diff((ramp * ceiling_gain(ramp))[:, 0]) > -1e-6).all()


def test_mono_is_the_mean_of_both_sides():
    stereo = noise(10)
    assert to_channels(stereo, 2) is stereo
    np.testing.assert_allclose(to_channels(stereo, 1)[:, 0], stereo.mean(axis=1))
