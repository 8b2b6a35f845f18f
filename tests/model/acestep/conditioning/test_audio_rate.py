"""Rate and channel conversion around the model, and the cut to the sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from model.acestep.conditioning.audio_rate import decoded_frames, project_audio, song_audio
from model.acestep.latent_grid import HOP, MODEL_RATE, Window, plan_window

RATES = (44_100, 48_000, 88_200, 96_000, 192_000)


def tone(rate: int, first: int, count: int, channels: int) -> NDArray[np.float32]:
    """Two slow sines, known at every time, so that rates can be compared; [count, channels]."""
    time = (first + np.arange(count)) / rate
    both = np.stack([np.sin(2 * np.pi * 311 * time), np.cos(2 * np.pi * 173 * time)], axis=1) * 0.5
    return both[:, :channels].astype(np.float32)


def decoded(window: Window, sizes: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """The tone as the decoder would give it, in pieces of some frames."""
    first, end = decoded_frames(window)
    origin = round(window.origin / window.rate * MODEL_RATE)
    begin = first
    while begin < end:
        for size in sizes:
            stop = min(begin + size, end)
            yield tone(MODEL_RATE, origin + begin * HOP, (stop - begin) * HOP, 2).T
            begin = stop


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sizes", [(1000,), (7, 1, 12)])
def test_the_wanted_samples_come_back_in_order_and_in_place(
    rate: int, channels: int, sizes: tuple[int, ...]
) -> None:
    window = plan_window(3 * rate + 123, 6 * rate + 457, 9 * rate, rate, handle=311)
    position, parts = window.wanted[0], []
    for start, samples in project_audio(decoded(window, sizes), window, channels):
        assert start == position
        assert samples.shape[1] == channels
        position += len(samples)
        parts.append(samples)
    assert position == window.wanted[1]
    expected = tone(rate, window.wanted[0], window.wanted[1] - window.wanted[0], 2)
    if channels == 1:
        expected = expected.mean(axis=1, keepdims=True)
    assert np.abs(np.concatenate(parts) - expected).max() < 1e-5


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
def test_the_source_reaches_the_model_in_place(rate: int, channels: int) -> None:
    song = tone(rate, 0, 14 * rate, channels)
    window = plan_window(7 * rate + 77, 8 * rate, len(song), rate, surround_seconds=3)
    read = song_audio(song, window.rate, window.song_frames)
    frames = window.source[1] - window.source[0]
    assert read.shape == (2, frames * HOP)
    first = window.song_frames[0] * HOP
    expected = tone(MODEL_RATE, first, frames * HOP, 2)
    if channels == 1:
        expected = expected[:, [0, 0]]
    assert np.abs(read.T - expected).max() < 1e-5


@pytest.mark.parametrize("rate", RATES)
def test_a_song_that_ends_inside_a_frame_is_filled_with_zeros(rate: int) -> None:
    song = np.full((rate * 6 + 11, 1), 0.25, np.float32)
    window = plan_window(0, rate, len(song), rate)
    read = song_audio(song, window.rate, window.song_frames)
    assert read.shape[1] == window.source[1] * HOP == 151 * HOP
    assert np.abs(read[:, -HOP // 2 :]).max() < 1e-4
    assert np.abs(read[:, HOP : 140 * HOP] - 0.25).max() < 1e-5


def test_at_the_models_own_rate_no_sample_is_touched() -> None:
    song = np.random.default_rng(1).normal(size=(MODEL_RATE * 6, 2)).astype(np.float32)
    window = plan_window(MODEL_RATE + 5, MODEL_RATE * 2, len(song), MODEL_RATE)
    read = song_audio(song, window.rate, window.song_frames)
    assert np.array_equal(read.T, song)
    first, end = decoded_frames(window)
    back = list(project_audio([read[:, first * HOP : end * HOP]], window, 2))
    assert len(back) == 1
    assert back[0][0] == MODEL_RATE + 5
    assert np.array_equal(back[0][1], song[MODEL_RATE + 5 : MODEL_RATE * 2])
