"""STFT, its inverse and the mel filters, against their definitions and numbers of librosa."""

from __future__ import annotations

import json

import numpy as np
import pytest

from model.sketch.analysis import spectrum
from tests.places import LIBROSA_NUMBERS

BINS, COLUMNS = slice(None, None, 41), slice(None, 80, 9)  # what is compared with librosa's


@pytest.mark.parametrize(("n", "hop"), [(1024, 256), (4096, 1024), (512, 128)])
def test_inverse_gives_the_signal_back(n: int, hop: int) -> None:
    signal = np.random.default_rng(0).normal(0.0, 0.1, 30011).astype(np.float32)
    again = spectrum.istft(spectrum.stft(signal, n, hop), n, hop, len(signal))
    assert np.abs(again - signal).max() < 1e-5


def test_blocks_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = np.random.default_rng(1).normal(0.0, 0.1, 200_000).astype(np.float32)
    whole = spectrum.stft(signal, 1024, 256)
    monkeypatch.setattr(spectrum, "BLOCK_SAMPLES", 20 * 1024)
    assert np.array_equal(spectrum.stft(signal, 1024, 256), whole)
    blocks = list(spectrum.stft_blocks(signal, 1024, 256))
    assert len(blocks) > 10
    assert [first for first, _ in blocks] == list(range(0, whole.shape[1], 20))


@pytest.mark.parametrize("length", [0, 1, 100, 1024])
def test_short_signals_have_frames(length: int) -> None:
    result = spectrum.stft(np.ones(length, dtype=np.float32), 1024, 256)
    assert result.shape == (513, 1 + length // 256)


def test_a_tone_sits_in_its_bin_with_the_windows_gain() -> None:
    n = 2048
    tone = np.cos(2 * np.pi * 64 / n * np.arange(10 * n)).astype(np.float32)
    magnitude = np.abs(spectrum.stft(tone, n, 512))[:, 20]
    assert magnitude.argmax() == 64
    assert magnitude[64] == pytest.approx(n / 4, rel=1e-3)  # amplitude / 2 times the window's sum n / 2


def test_mel_filters_cover_every_bin_between_their_limits_once() -> None:
    filters = spectrum.mel_filters(22050, 1024, 40, 40.0, 10500.0)
    assert np.allclose(filters.sum(axis=1), 1.0, atol=1e-5)
    assert (filters.sum(axis=0)[4:480] > 0).all()
    centres = filters.argmax(axis=1)
    assert (np.diff(centres) >= 0).all()


def noise() -> np.ndarray:
    return np.random.default_rng(2).normal(0.0, 0.1, 44100).astype(np.float32)


def test_agrees_with_librosa() -> None:
    """Its numbers come from `python -m benchmarks.librosa_numbers`."""
    theirs = json.loads(LIBROSA_NUMBERS.read_text(encoding="utf-8"))["stft"]
    ours = spectrum.stft(noise(), 2048, 512)[BINS, COLUMNS]
    assert np.abs(ours - (np.array(theirs["real"]) + 1j * np.array(theirs["imag"]))).max() < 1e-3
