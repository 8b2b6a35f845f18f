import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.likeness import correlation
from clip_store.splice import splice
from daw_protocol.timeline import Span
from model.dsp.offset import without_drift
from tests.clip_store.sounds import noise, tone

RATE = 48_000


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.5, -0.9])
@pytest.mark.parametrize("frames", [100, 480, 4_800, 48_000])
def test_an_offset_makes_no_two_sounds_alike(offset, frames):
    old, new = noise(frames) + offset, noise(frames, seed=5) + offset
    assert abs(correlation(old, new, RATE)) < 4 / np.sqrt(2 * frames)
    assert correlation(old, old, RATE) == 1.0
    assert correlation(old, noise(frames), RATE) == pytest.approx(1.0, abs=1e-5)
    assert correlation(old, 2 * offset - old, RATE) == pytest.approx(-1.0, abs=1e-5)


def test_a_drift_makes_no_two_sounds_alike_either():
    drift = np.linspace(-0.5, 0.5, 96_000)[:, None] + tone(96_000, RATE, 0.3, 0.3)
    assert abs(correlation(noise(96_000, 1) + drift, noise(96_000, 1, seed=5) + drift, RATE)) < 0.05


def test_bass_is_music():
    low = tone(48_000, RATE, 41.2)  # the lowest note of a bass
    assert correlation(low, low, RATE) == 1.0
    assert np.abs(without_drift(low, RATE)[4_800:-4_800] - low[4_800:-4_800]).max() < 0.02


@pytest.mark.parametrize("level", [0.0, 0.1, -1.0])
@pytest.mark.parametrize("frames", [0, 1, 2, 480, 48_000])
def test_what_only_stands_still_is_like_nothing(level, frames):
    still = np.full((frames, 2), level)
    assert correlation(still, still, RATE) == 0.0
    assert correlation(still, noise(frames), RATE) == 0.0


@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.FLOAT, Encoding.DOUBLE])
def test_an_offset_does_not_swell_in_a_crossfade(encoding):
    """Equal-power gains sum to 1.41 in the middle: an offset of 0.4 would rise to 0.57 for 6 ms, a thump."""
    song = quantise(noise(48_000, 1, 0.05) + 0.4, RATE, encoding).audio
    render = noise(9_600, 1, 0.05, seed=5) + 0.4
    clip = splice(song, render, Span(20_000, 29_600), 960)
    assert clip.fade_in.curve == clip.fade_out.curve == "equal-power"
    for part in (clip.clip.samples[:960], clip.clip.samples[-960:]):
        means = part.reshape(-1, 96).mean(axis=1)
        assert np.abs(means - 0.4).max() < 0.02
        assert np.abs(part - 0.4).max() < 0.08


def test_equal_sounds_with_an_offset_pass_exactly():
    song = quantise(noise(48_000, 2, 0.05) + 0.4, RATE, Encoding.FLOAT).audio
    region = Span(20_000, 29_600)
    clip = splice(song, song.samples[region.start : region.end], region, 960)
    assert np.array_equal(clip.clip.samples, song.samples[region.start : region.end])
