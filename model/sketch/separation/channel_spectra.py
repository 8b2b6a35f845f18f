"""Spectra of several channels at once, and the frame sizes that fit a sample rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.engine import Samples
from model.sketch.analysis.spectrum import istft, stft

Spectra = NDArray[np.complex64]
"""Complex STFT of every channel, shape [channels, bins, frames]."""

Magnitude = NDArray[np.float32]
"""Magnitude or mask, shape [bins, frames]."""

Tick = Callable[[], None]
"""Called at least every 100 ms of work; raises RenderStopped if the render was cancelled."""


@dataclass(frozen=True)
class Framing:
    """Window and hop in samples at a rate; the hop is a quarter of the window."""

    rate: int
    n: int

    @classmethod
    def of(cls, rate: int, window_seconds: float) -> Framing:
        """With a window of the power of two nearest to `window_seconds`."""
        return cls(rate, int(2 ** max(round(np.log2(rate * window_seconds)), 6)))

    @property
    def hop(self) -> int:
        return self.n // 4

    @property
    def bins(self) -> int:
        return self.n // 2 + 1

    @property
    def bin_hertz(self) -> float:
        return self.rate / self.n

    def odd_frames(self, seconds: float) -> int:
        """Frames in `seconds`, odd, so that a median has a middle."""
        return round(seconds * self.rate / self.hop) | 1

    def odd_bins(self, hertz: float) -> int:
        """Bins in `hertz`, odd."""
        return round(hertz / self.bin_hertz) | 1


def analyse(samples: Samples, framing: Framing, tick: Tick) -> Spectra:
    """Spectra of samples [frames, channels]."""
    spectra = []
    for channel in samples.T:
        spectra.append(stft(np.ascontiguousarray(channel), framing.n, framing.hop))
        tick()
    return np.stack(spectra)


def synthesise(spectra: Spectra, mask: Magnitude, framing: Framing, length: int, tick: Tick) -> Samples:
    """Samples [length, channels] of the masked spectra; with a mask of ones the inverse of `analyse`."""
    out = np.empty((length, len(spectra)), dtype=np.float32)
    for number, spectrum in enumerate(spectra):
        out[:, number] = istft(spectrum * mask, framing.n, framing.hop, length)
        tick()
    return out


def joint_magnitude(spectra: Spectra) -> Magnitude:
    """Root of the channels' summed power: a magnitude in which panning and phase cannot hide anything."""
    power = np.sum(spectra.real**2 + spectra.imag**2, axis=0)
    return np.asarray(np.sqrt(power), dtype=np.float32)
