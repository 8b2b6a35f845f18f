"""The onset envelope and the phase of the playing against the grid."""

from __future__ import annotations

import numpy as np
import pytest

from model.sketch import parameters as p
from model.sketch.analysis import onsets


@pytest.mark.parametrize("late", [-0.05, 0.0, 0.03, 0.1])
def test_phase_of_clicks_within_5_ms(late: float) -> None:
    rng = np.random.default_rng(0)
    beats = np.arange(1, 19) * 0.5123
    signal = np.zeros(22050 * 11, dtype=np.float32)
    for seconds in beats + late:
        at = int(seconds * 22050)
        signal[at : at + 400] += (rng.normal(size=400) * np.exp(-np.arange(400) / 100)).astype(np.float32)
    envelope = onsets.onset_envelope(signal, lambda: None)
    phase = onsets.playing_phase(envelope, beats)
    assert phase.seconds == pytest.approx(late, abs=0.005)
    assert phase.contrast > p.PHASE_MIN_CONTRAST


def test_no_phase_is_claimed_without_onsets() -> None:
    rng = np.random.default_rng(1)
    hiss = rng.normal(0.0, 0.1, 22050 * 20).astype(np.float32)
    phase = onsets.playing_phase(onsets.onset_envelope(hiss, lambda: None), np.arange(1, 38) * 0.5)
    assert phase.seconds == 0.0


def test_how_late_each_attack_is() -> None:
    """A click for each beat but the last, within a few milliseconds; one too far away belongs to no beat."""
    rng = np.random.default_rng(3)
    beats = np.arange(1, 13) * 0.6
    late = np.array([0.0, 0.02, -0.03, 0.035, -0.01, 0.01, 0.0, 0.025, -0.02, 0.015, 0.1, np.nan])
    signal = np.zeros(22050 * 9, dtype=np.float32)
    for seconds in (beats + late)[:-1]:
        at = int(seconds * 22050)
        signal[at : at + 400] += (rng.normal(size=400) * np.exp(-np.arange(400) / 100)).astype(np.float32)
    found = onsets.lateness(onsets.onset_envelope(signal, lambda: None), beats)
    assert found[:10] == pytest.approx(late[:10], abs=0.006)
    assert np.isnan(found[10:]).all()


def test_without_sound_no_beat_is_late() -> None:
    assert np.isnan(onsets.lateness(np.zeros(0, np.float32), np.arange(3.0))).all()
    assert np.isnan(onsets.lateness(np.zeros(100, np.float32), np.arange(3.0) * 0.2)).all()


def test_a_hit_rises_and_a_swell_or_the_end_of_a_note_does_not() -> None:
    rate = p.ANALYSIS_RATE
    time = np.arange(4 * rate) / rate
    tone = np.sin(2 * np.pi * 440 * time)
    struck = np.exp(-8 * (time - 1)) * (time >= 1)
    swelling = np.clip((time - 2) / 0.5, 0, 1) * (time < 3)
    mono = (0.3 * tone * (struck + swelling)).astype(np.float32)
    hit, swell, end = onsets.rises(mono, np.array([1.0, 2.2, 3.0]))
    assert hit > 2 * p.ATTACK_STEP_DB
    assert max(swell, end) < p.ATTACK_STEP_DB
