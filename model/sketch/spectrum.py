"""Short-time Fourier transform and its inverse, on plain numpy and scipy.

Frames are centred: frame i looks at samples around i * hop, the signal being padded by zeros at both ends.
Everything in the sketch engine that needs a spectrum takes it from here, so that bins and times agree.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.complex64]
"""Complex STFT, shape [bins, frames], bins = n // 2 + 1."""

# Frames transformed at once: bounds memory, and lets callers look at should_stop between blocks.
BLOCK_FRAMES = 2048


@functools.lru_cache(maxsize=16)
def hann(n: int) -> NDArray[np.float32]:
    """Periodic Hann window of n samples; sums to a constant at hops of n/2, n/4, ..."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)
    window.flags.writeable = False
    return window


def frame_count(length: int, hop: int) -> int:
    """Number of centred frames over `length` samples."""
    return 1 + length // hop


def stft(mono: NDArray[np.float32], n: int, hop: int) -> Spectrum:
    """STFT of a mono signal [samples] with a periodic Hann window of n samples; shape [n // 2 + 1, frames]."""
    from scipy.fft import rfft  # imported late: scipy.fft costs 0.1 s that a server start should not pay

    frames = frame_count(len(mono), hop)
    # The last frame reaches up to n/2 past the end; hop more never hurts.
    padded = np.pad(np.asarray(mono, dtype=np.float32), (n // 2, n // 2 + hop))
    views = np.lib.stride_tricks.sliding_window_view(padded, n)[::hop][:frames]
    spectrum = np.empty((n // 2 + 1, frames), dtype=np.complex64)
    window = hann(n)
    for first in range(0, frames, BLOCK_FRAMES):
        block = views[first : first + BLOCK_FRAMES]
        spectrum[:, first : first + len(block)] = rfft(block * window, axis=1).T
    return spectrum


def istft(spectrum: Spectrum, n: int, hop: int, length: int) -> NDArray[np.float32]:
    """Inverse of `stft`: `length` samples by weighted overlap-add (Griffin and Lim 1984)."""
    from scipy.fft import irfft

    frames = spectrum.shape[1]
    window = hann(n)
    total = n + hop * max(frames, 1) + hop
    out = np.zeros(total, dtype=np.float32)
    weight = np.zeros(total, dtype=np.float32)
    for first in range(0, frames, BLOCK_FRAMES):
        block = irfft(spectrum[:, first : first + BLOCK_FRAMES].T, n=n, axis=1).astype(np.float32) * window
        for offset, frame in enumerate(block):
            at = (first + offset) * hop
            out[at : at + n] += frame
            weight[at : at + n] += window * window
    out = out[n // 2 : n // 2 + length]
    weight = weight[n // 2 : n // 2 + length]
    return out / np.maximum(weight, 1e-8)
