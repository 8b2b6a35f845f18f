"""The project's audio at 44.1 kHz and back, to the sample, whatever the rates and regions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.acestep_v1.conditioning.audio_44100 import project_pieces, window_audio
from model.acestep_v1.frame_window import FRAME, plan_frames

Audio = NDArray[np.float32]


def tone(frames: int, rate: int) -> Audio:
    """A tone that both channels share, at half the level on the right."""
    wave = 0.5 * np.sin(2 * np.pi * 441.0 * np.arange(frames) / rate)
    return np.stack([wave, wave / 2], axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 32_000])
def test_there_and_back_is_the_same_audio_in_the_same_place(rate: int):
    song = tone(12 * rate, rate)
    start, end = 5 * rate + 13, 7 * rate + 1
    window = plan_frames(start, end, len(song), rate, handle=100, surround_seconds=1.0)
    audio = window_audio(song, window)
    assert audio.shape == (2, window.frames * FRAME)
    first, last = window.wanted_frames
    inside = audio[:, first * FRAME : last * FRAME]
    pieces = list(project_pieces(iter([inside[:, :5000], inside[:, 5000:]]), window, 2))
    assert pieces[0][0] == start - 100
    back = np.concatenate([samples for _, samples in pieces])
    assert len(back) == end - start + 200
    assert np.abs(back - song[start - 100 : end + 100])[50:-50].max() < 1e-3


def test_mono_is_doubled_and_averaged():
    song = tone(44_100 * 6, 44_100)[:, :1]
    window = plan_frames(0, 44_100, len(song), 44_100)
    audio = window_audio(song, window)
    assert np.array_equal(audio[0], audio[1])
    (piece,) = project_pieces(iter([audio[:, : FRAME * window.wanted_frames[1]]]), window, 1)
    assert piece[0] == 0
    assert np.allclose(piece[1], song[:44_100])


def test_what_is_missing_at_an_end_is_silence():
    window = plan_frames(0, 44_100, 0, 44_100)
    pieces = list(project_pieces(iter([np.ones((2, 44_000), np.float32)]), window, 2))
    assert sum(len(samples) for _, samples in pieces) == 44_100
    assert not pieces[-1][1].any()
