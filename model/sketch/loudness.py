"""Loudness after ITU-R BS.1770-4 and true peak after its annex 2.

Levels are in LUFS (dB), audio is [frames, channels] or mono [frames] at any rate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

SILENCE_LUFS = -120.0
"""What stands for "nothing there": below every level that can be heard."""

_BLOCK_SECONDS = 0.4
_STEP_SECONDS = 0.1
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0
_OFFSET = -0.691

# Samples filtered at once, so that a ten-minute song can be cancelled between blocks.
_FILTER_BLOCK = 2**18


@functools.lru_cache(maxsize=8)
def k_weighting(rate: int) -> NDArray[np.float64]:
    """The two K-weighting stages (shelf, high-pass) as second-order sections [2, 6] at `rate`.

    The standard gives coefficients at 48 kHz only; these are its analogue prototypes after the bilinear
    transform (gain 4 dB at 1682 Hz, high-pass at 38 Hz), equal to the table at 48 kHz to 1e-6.
    """
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q = 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ]
    k = math.tan(math.pi * 38.13547087602444 / rate)
    q = 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


def power_steps(
    samples: Floats, rate: int, step: int, check: Callable[[], None] = lambda: None
) -> NDArray[np.float64]:
    """K-weighted energy, summed over channels and over each `step` frames (the last may be short); [steps].

    Never holds more than a block of filtered audio; asks `check` between blocks.
    """
    from scipy.signal import sosfilt  # imported late: scipy.signal costs half a second at server start

    audio = samples if samples.ndim == 2 else samples[:, None]
    sections = k_weighting(rate)
    state = np.zeros((len(sections), 2, audio.shape[1]))
    at_once = max(_FILTER_BLOCK // step, 1) * step
    sums = []
    for first in range(0, len(audio), at_once):
        check()
        block, state = sosfilt(sections, audio[first : first + at_once], axis=0, zi=state)
        energy = np.einsum("tc,tc->t", block, block)
        sums.append(np.add.reduceat(energy, np.arange(0, len(energy), step)))
    return np.concatenate(sums) if sums else np.zeros(0)


def to_lufs(mean_power: float) -> float:
    """Level of a mean K-weighted power."""
    return _OFFSET + 10.0 * math.log10(mean_power) if mean_power > 1e-12 else SILENCE_LUFS


def integrated_from_steps(steps: NDArray[np.float64], frames: int, rate: int, step: int) -> float:
    """Gated loudness of `frames` frames from energies of `step` frames; ungated below one 400 ms block."""
    if frames == 0:
        return SILENCE_LUFS
    block, hop = round(_BLOCK_SECONDS * rate / step), round(_STEP_SECONDS * rate / step)
    if frames < block * step:
        return to_lufs(float(steps.sum()) / frames)
    whole = frames // step
    running = np.concatenate([[0.0], np.cumsum(steps[:whole])])
    starts = np.arange(0, whole - block + 1, hop)
    blocks = (running[starts + block] - running[starts]) / (block * step)
    loud = blocks[blocks > 10.0 ** ((_ABSOLUTE_GATE - _OFFSET) / 10.0)]
    if len(loud) == 0:
        return SILENCE_LUFS
    gate = loud.mean() * 10.0 ** (_RELATIVE_GATE / 10.0)
    return to_lufs(float(loud[loud > gate].mean()))


def integrated(samples: Floats, rate: int, check: Callable[[], None] = lambda: None) -> float:
    """Gated loudness of `samples` in LUFS."""
    step = round(_STEP_SECONDS * rate)
    return integrated_from_steps(power_steps(samples, rate, step, check), len(samples), rate, step)


def true_peak(samples: Floats) -> float:
    """Largest absolute value between samples too (4 times oversampled), linear."""
    from scipy.signal import resample_poly

    if len(samples) == 0:
        return 0.0
    between = resample_poly(samples, 4, 1, axis=0)
    return float(max(np.abs(between).max(), np.abs(samples).max()))


def song_true_peak(samples: Floats, rate: int, check: Callable[[], None] = lambda: None) -> float:
    """True peak of a long signal: oversamples only the loudest tenths of a second, where it must lie."""
    step = max(rate // 10, 64)
    peaks = []
    for first in range(0, len(samples), step):
        if first % (step * 64) == 0:
            check()
        peaks.append(float(np.abs(samples[first : first + step]).max()))
    loudest = np.argsort(peaks)[::-1][:8]
    margin = 32
    spans = [(max(i * step - margin, 0), (i + 1) * step + margin) for i in loudest]
    return max((true_peak(samples[first:last]) for first, last in spans), default=0.0)
