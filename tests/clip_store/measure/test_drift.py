import numpy as np
import pytest

from clip_store.measure.drift import MIN_ONSETS, onset_drift
from model.dsp.onsets import find_onsets
from tests.clip_store.sounds import drums, noise, notes, tone

SECONDS = 4


@pytest.mark.parametrize("late_ms", [-30.0, -10.0, 0.0, 5.0, 25.0])
def test_a_shifted_performance_shows_its_shift(late_ms):
    rate, sixteenth = 48000, 6000
    late = round(late_ms * rate / 1000)
    samples, onsets = drums(SECONDS * rate, rate, 2 * sixteenth, sixteenth + late)
    drift = onset_drift(samples, rate, list(range(0, SECONDS * rate, sixteenth)))
    assert drift.count == len(onsets)
    assert drift.offset_ms == pytest.approx(late_ms, abs=1.5)
    assert drift.median_ms == pytest.approx(abs(late_ms), abs=1.5)
    assert drift.p90_ms >= drift.median_ms


def test_the_spread_shows_in_the_ninetieth_percentile():
    rate, random = 48000, np.random.default_rng(3)
    grid = list(range(0, SECONDS * rate, 12000))
    jitter = random.uniform(-0.02, 0.02, len(grid[1:-1])) * rate
    played = [int(line + shift) for line, shift in zip(grid[1:-1], jitter, strict=True)]
    drift = onset_drift(notes(rate, played), rate, grid)
    assert drift.p90_ms == pytest.approx(np.percentile(np.abs(jitter), 90) / rate * 1000, abs=2.0)


def test_the_grid_may_begin_and_end_outside():
    samples, _ = drums(SECONDS * 48000, 48000, 12000, 6000)
    inside = onset_drift(samples, 48000, range(0, SECONDS * 48000, 6000))
    assert onset_drift(samples, 48000, range(-48000, 10 * 48000, 6000)) == inside


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((0, 1)),
        np.zeros((1, 2)),
        np.zeros((48000, 2)),
        noise(100),
        tone(48000, level=0.5) * np.hanning(48000)[:, None],
        drums(48000, 48000, 16000)[0],
        noise(4 * 48000),
    ],
    ids=["empty", "one frame", "silence", "two milliseconds", "a swell", "three hits", "noise"],
)
def test_too_little_says_nothing(samples):
    assert len(find_onsets(samples, 48000)) < MIN_ONSETS
    assert onset_drift(samples, 48000, [0, 6000]) is None


def test_context_at_the_ends_does_not_count():
    """A held chord cut out of its middle begins and ends with a jump; neither is a note."""
    rate, margin = 48000, 4800
    held = tone(SECONDS * rate + 50, rate, 330.0, 0.4)[50:]
    hits, expected = drums(SECONDS * rate, rate, 24000, 12000, level=0.05)
    cut = held + hits
    counted = onset_drift(cut, rate, range(0, SECONDS * rate, 6000), margin)
    assert counted.count == len(expected)
    assert onset_drift(cut, rate, range(0, SECONDS * rate, 6000)).count > len(expected)


def test_a_note_on_the_first_sample_counts():
    rate, margin = 48000, 4800
    hits, expected = drums(SECONDS * rate, rate, 12000, margin)
    drift = onset_drift(hits, rate, range(margin, SECONDS * rate, 6000), margin)
    assert drift.count == sum(onset < SECONDS * rate - margin for onset in expected)
    assert drift.median_ms < 2.0


def test_without_a_grid_there_is_no_drift():
    assert onset_drift(drums(SECONDS * 48000, 48000, 12000)[0], 48000, []) is None
