"""Short-time Fourier transform and its inverse, on plain numpy and scipy.

Frames are centred: frame i covers the samples around i * hop, with zero padding at both ends of the signal.
All spectra in the sketch engine come from here, so that bins and times agree.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from model.dsp.window import read_window

Spectrum = NDArray[np.complex64]
"""Complex STFT, shape [bins, frames], bins = n // 2 + 1."""

# Samples transformed at once: bounds memory and lets callers poll should_stop between blocks (a block takes 10-20 ms
# whatever the window length).
BLOCK_SAMPLES = 2**20


@functools.lru_cache(maxsize=16)
def hann(n: int) -> NDArray[np.float32]:
    """Periodic Hann window of n samples; sums to a constant at hops of n/2, n/4, ..."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)
    window.flags.writeable = False
    return window


def frame_count(length: int, hop: int) -> int:
    """Number of centred frames over `length` samples."""
    return 1 + length // hop


def block_frames(n: int) -> int:
    """Number of frames of window length n transformed at once."""
    return max(16, BLOCK_SAMPLES // n)


def stft_blocks(mono: NDArray[np.float32], n: int, hop: int) -> Iterator[tuple[int, Spectrum]]:
    """The STFT of `stft`, block by block: (index of the first frame, spectrum [bins, frames])."""
    from scipy.fft import rfft  # imported late: scipy.fft would add 0.1 s to the server's start

    frames = frame_count(len(mono), hop)
    window = hann(n)
    at_once = block_frames(n)
    for first in range(0, frames, at_once):
        count = min(at_once, frames - first)
        # Padded block by block: copying a ten-minute song would take too long between polls of should_stop.
        start, end = first * hop - n // 2, (first + count - 1) * hop + n // 2
        views = np.lib.stride_tricks.sliding_window_view(read_window(mono, start, end), n)[::hop]
        yield first, rfft(views * window, axis=1).T


def stft(mono: NDArray[np.float32], n: int, hop: int) -> Spectrum:
    """STFT of a mono signal [samples], periodic Hann window of n samples; shape [n // 2 + 1, frames]."""
    spectrum = np.empty((n // 2 + 1, frame_count(len(mono), hop)), dtype=np.complex64)
    for first, block in stft_blocks(mono, n, hop):
        spectrum[:, first : first + block.shape[1]] = block
    return spectrum


def istft(spectrum: Spectrum, n: int, hop: int, length: int) -> NDArray[np.float32]:
    """Inverse of `stft`: `length` samples by weighted overlap-add (Griffin and Lim 1984)."""
    from scipy.fft import irfft

    frames = spectrum.shape[1]
    window = hann(n)
    total = n + hop * max(frames, 1) + hop
    out = np.zeros(total, dtype=np.float32)
    weight = np.zeros(total, dtype=np.float32)
    at_once = block_frames(n)
    for first in range(0, frames, at_once):
        block = irfft(spectrum[:, first : first + at_once].T, n=n, axis=1).astype(np.float32) * window
        for offset, frame in enumerate(block):
            at = (first + offset) * hop
            out[at : at + n] += frame
            weight[at : at + n] += window * window
    out = out[n // 2 : n // 2 + length]
    weight = weight[n // 2 : n // 2 + length]
    return np.asarray(out / np.maximum(weight, 1e-8), dtype=np.float32)


@functools.lru_cache(maxsize=16)
def mel_filters(rate: int, n: int, bands: int, low: float, high: float) -> NDArray[np.float32]:
    """Triangular filters, equally spaced in mel (2595 log10(1 + f/700)), unit sum; [bands, n // 2 + 1]."""
    mel_low, mel_high = (2595.0 * np.log10(1.0 + f / 700.0) for f in (low, high))
    edges = 700.0 * (10.0 ** (np.linspace(mel_low, mel_high, bands + 2) / 2595.0) - 1.0)
    # A filter narrower than two bins could fall between bins and stay empty, so widen it.

    bin_hz = rate / n
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    left = np.minimum(left, centre - bin_hz)
    right = np.maximum(right, centre + bin_hz)
    hz = np.arange(n // 2 + 1) * bin_hz
    rise = (hz[None] - left[:, None]) / (centre - left)[:, None]
    fall = (right[:, None] - hz[None]) / (right - centre)[:, None]
    filters = np.maximum(0.0, np.minimum(rise, fall))
    filters /= np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)
    result = filters.astype(np.float32)
    result.flags.writeable = False
    return result
