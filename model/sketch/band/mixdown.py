"""Room, balance and ceiling of the built-in band: from dry tracks to stems that sum to the mix.

Everything here is linear, or a gain common to all stems, so stems sum to the mix by construction.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from model.sketch.band.synth_keys import noise

Stereo = NDArray[np.float32]
"""Audio, float32 [frames, 2]."""

# The soft ceiling bends the signal above the knee and leaves it untouched below.
KNEE = 0.7
CEILING = 10.0 ** (-1.1 / 20.0)  # a little under -1 dBFS, so that rounding to 16 bits stays below it


@functools.lru_cache(maxsize=8)
def room(rate: int, seconds: float) -> Stereo:
    """A room as a noise tail [frames, 2] that decays 60 dB in `seconds`, after 12 ms; unit gain in the mids.

    High frequencies decay faster than low ones, as in real rooms, and nothing below 180 Hz rings, so that bass and kick
    stay dry whatever the send level.
    """
    frames = round(seconds * rate)
    t = np.arange(frames) / rate
    hz = np.maximum(np.fft.rfftfreq(frames, 1.0 / rate), 1.0)
    sides = []
    for side in ("left", "right"):
        hiss = np.fft.rfft(noise(frames, f"room {side}"))
        dark = np.fft.irfft(hiss / (1 + (180.0 / hz) ** 2) / (1 + (hz / 1800.0) ** 2), n=frames)
        bright = np.fft.irfft(hiss / (1 + (1800.0 / hz) ** 2) / (1 + (hz / 5000.0) ** 2), n=frames)
        tail = dark * 10.0 ** (-3.0 * t / seconds) + bright * 10.0 ** (-6.0 * t / seconds)
        tail *= np.clip(t / 0.004, 0.0, 1.0)
        middle = np.abs(np.fft.rfft(tail))[(hz > 300.0) & (hz < 2000.0)]
        sides.append(np.concatenate([np.zeros(round(0.012 * rate)), tail / np.sqrt(np.mean(middle**2))]))
    response = np.stack(sides, axis=1).astype(np.float32)
    response.flags.writeable = False
    return response


class Reverb:
    """A room processed block by block; the result does not depend on the block boundaries."""

    def __init__(self, rate: int, seconds: float) -> None:
        self._response = room(rate, seconds)
        self._ringing: Stereo = np.zeros((0, 2), dtype=np.float32)

    def process(self, block: Stereo) -> Stereo:
        """The room's response during `block` [frames, 2], including the tails of earlier blocks."""
        from scipy.signal import oaconvolve  # imported late, with the first render

        answer = oaconvolve(block, self._response, axes=0).astype(np.float32)
        answer[: len(self._ringing)] += self._ringing[: len(answer)]
        self._ringing = answer[len(block) :]
        return np.asarray(answer[: len(block)])


def ceiling_gain(mix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gain per frame [frames, 1] that keeps |mix * gain| at or below CEILING; 1 where the mix is below KNEE.

    Memoryless, so it works block by block; it affects only the peaks of the loudest drum hits.
    """
    peak = np.max(np.abs(mix), axis=1, keepdims=True).astype(np.float64)
    over = np.maximum(peak - KNEE, 0.0) / (CEILING - KNEE)
    bent = KNEE + (CEILING - KNEE) * np.tanh(over) * (1 - 1e-6)  # rounding must not exceed it
    return np.asarray(np.where(peak > KNEE, bent / np.maximum(peak, KNEE), 1.0), dtype=np.float32)


def to_channels(stereo: Stereo, channels: int) -> NDArray[np.float32]:
    """[frames, 2] -> [frames, channels], channels 1 or 2; mono is the mean of both sides."""
    if channels == 2:
        return stereo
    return np.asarray(stereo.mean(axis=1, keepdims=True, dtype=np.float32))
