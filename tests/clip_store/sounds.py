"""Small songs for the tests of the store: noise and tones in any encoding, the same each time."""

from __future__ import annotations

import numpy as np

from clip_store.audio.audio import Audio, Encoding, quantise


def noise(frames, channels=2, level=0.2, seed=0):
    """White noise, float64 [frames, channels]."""
    return np.random.default_rng(seed).uniform(-level, level, (frames, channels))


def song(frames=4800, channels=2, rate=48000, encoding=Encoding.PCM_24, level=0.2, seed=0) -> Audio:
    """A song of noise."""
    return quantise(noise(frames, channels, level, seed), rate, encoding).audio


def tone(frames, rate=48000, hertz=440.0, level=0.25, channels=1):
    """A sine, float64 [frames, channels]."""
    wave = level * np.sin(2 * np.pi * hertz * np.arange(frames) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def drums(frames, rate, every, first=0, level=0.5, seed=1):
    """A decaying burst of noise every `every` samples, float64 [frames, 1]; returns (samples, onsets)."""
    random = np.random.default_rng(seed)
    hit = random.standard_normal(rate // 10) * np.exp(-np.arange(rate // 10) / (rate * 0.02)) * level / 3
    onsets = list(range(first, frames - len(hit), every))
    samples = np.zeros((frames, 1))
    for onset in onsets:
        samples[onset : onset + len(hit), 0] += hit
    return samples, onsets


def notes(rate, at, seconds=4):
    """Plucked notes with overtones that die away, one at each sample given, float64 [seconds * rate, 1]."""
    time = np.arange(rate) / rate
    note = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 6)) * np.exp(-time * 12) * 0.2
    samples = np.zeros((seconds * rate + rate, 1))
    for start in at:
        samples[start : start + rate, 0] += note
    return samples[: seconds * rate]
