"""Sharpness: where a click is, whatever the rate, and what has none."""

from __future__ import annotations

import numpy as np
import pytest

from model.pace import Pace
from model.sketch import parameters as p
from model.sketch.analysis import analysis, sharpness
from tests.model.sketch.songs import make_song, song_of


def sine(rate: int, hz: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(2 * rate) / rate)).astype(np.float32)


def test_a_jump_of_the_samples_stands_out_in_its_step() -> None:
    signal = sine(44100, 300.0)
    signal[44100:] += 0.05
    steps = sharpness.sharpest(signal, 44100)
    assert abs(int(steps.argmax()) - p.SHARPNESS_STEPS) <= 1
    assert steps.max() > 50.0 * np.median(steps)


def test_three_octaves_higher_is_sharper_by_eight_cubed() -> None:
    low, high = (float(np.median(sharpness.sharpest(sine(44100, hz), 44100))) for hz in (200.0, 1600.0))
    assert high / low == pytest.approx(8.0**3, rel=0.1)


@pytest.mark.parametrize("rate", [48000, 88200, 96000, 192000])
def test_the_rate_matters_little(rate: int) -> None:
    reference = float(np.median(sharpness.sharpest(sine(44100, 3000.0), 44100)))
    assert np.median(sharpness.sharpest(sine(rate, 3000.0), rate)) == pytest.approx(reference, rel=0.3)


@pytest.mark.parametrize("frames", [0, 1, 3, 4, 221, 44100])
def test_of_any_length_every_step_is_finite(frames: int) -> None:
    steps = sharpness.sharpest(np.ones(frames, np.float32), 44100)
    assert not steps.any()
    assert len(steps) <= -(-frames * p.SHARPNESS_STEPS // 44100)
    assert np.isfinite(sharpness.at_times(steps, np.array([-9.0, 0.0, 0.5, 99.0]))).all()


def test_times_hear_what_is_within_their_reach() -> None:
    steps = np.zeros(400, np.float32)
    steps[200] = 1.0
    near, early, late = sharpness.at_times(steps, np.array([1.0, 0.975, 1.05]))
    assert near == early == 0.0
    assert late == pytest.approx(20.0 * np.log10(p.SHARPNESS_FLOOR))


def test_a_song_of_many_blocks_has_its_hits_on_its_beats_whatever_its_level() -> None:
    """The analysis hears the song block by block."""
    made, pace = make_song(12, drums=False), Pace(lambda progress: None, lambda: False)
    samples = made.song.samples.copy()
    for beat in (5, 30):
        samples[made.beat_frame(beat)] += 0.5
    for gain in (1.0, 0.1):
        song = song_of(samples * np.float32(gain), made.song.rate)
        beats = analysis.on_grid(analysis.listen(song, pace), made.grid, None, pace).beats
        lead = int(np.searchsorted(made.grid.seconds, -1e-9))
        assert set(np.argsort(beats.sharpness)[-2:] - lead) == {5, 30}
        assert beats.sharpness.max() > np.median(beats.sharpness[beats.sounding]) + 20.0
