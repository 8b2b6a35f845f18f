"""Loudness after ITU-R BS.1770-4 and true peak after its annex 2.

Levels are in dB (LUFS, dBFS, dBTP), -inf for silence. Audio is [frames, channels] or mono [frames] at any rate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp.offset import first_offset
from model.dsp.resample import ANALYSIS, pieces, resample

Floats = NDArray[np.floating[Any]]

_BLOCK_SECONDS = 0.4
_STEP_SECONDS = 0.1
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0
_OFFSET = -0.691

FLOOR_LUFS = -120.0
"""Stands for silence in figures, since JSON has no infinity; no measurement is below it."""

_SILENT_POWER = 1e-12

# Samples filtered at once, so that a ten-minute song can be cancelled between blocks.
_FILTER_BLOCK = 2**18

_OVERSAMPLING = 4
"""Of annex 2, at 48 kHz; kept at higher rates, where half would miss 0.3 dB of a tone at a quarter of the rate."""


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

    An offset that is there when the audio begins counts as having been there before: it is no thump.
    Never holds more than one block of filtered audio; calls `check` between blocks.
    """
    from scipy.signal import (
        sosfilt,
        sosfilt_zi,
    )  # imported late: scipy.signal costs half a second at server start

    audio = samples if samples.ndim == 2 else samples[:, None]
    sections = k_weighting(rate)
    state = sosfilt_zi(sections)[:, :, None] * first_offset(audio, rate)
    at_once = max(_FILTER_BLOCK // step, 1) * step
    sums = []
    for piece in pieces(audio, at_once, check):
        block, state = sosfilt(sections, piece, axis=0, zi=state)
        energy = np.einsum("tc,tc->t", block, block)
        sums.append(np.add.reduceat(energy, np.arange(0, len(energy), step)))
    return np.concatenate(sums) if sums else np.zeros(0)


def to_lufs(mean_power: float) -> float:
    """Level of a mean K-weighted power."""
    return _OFFSET + 10.0 * math.log10(mean_power) if mean_power > _SILENT_POWER else -math.inf


def integrated_from_steps(steps: NDArray[np.float64], frames: int, rate: int, step: int) -> float:
    """Gated loudness of `frames` frames from energies of `step` frames.

    Audio shorter than one 400 ms block counts as one block, with the absolute gate only: the shorter it is, the less
    reliable the result.
    """
    if frames == 0:
        return -math.inf
    block, hop = round(_BLOCK_SECONDS * rate / step), round(_STEP_SECONDS * rate / step)
    if frames < block * step:
        short = to_lufs(float(steps.sum()) / frames)
        return short if short > _ABSOLUTE_GATE else -math.inf
    whole = frames // step
    running = np.concatenate([[0.0], np.cumsum(steps[:whole])])
    starts = np.arange(0, whole - block + 1, hop)
    blocks = (running[starts + block] - running[starts]) / (block * step)
    loud = blocks[blocks > 10.0 ** ((_ABSOLUTE_GATE - _OFFSET) / 10.0)]
    if len(loud) == 0:
        return -math.inf
    gate = loud.mean() * 10.0 ** (_RELATIVE_GATE / 10.0)
    return to_lufs(float(loud[loud > gate].mean()))


def integrated(samples: Floats, rate: int, check: Callable[[], None] = lambda: None) -> float:
    """Integrated, gated loudness in LUFS."""
    step = round(_STEP_SECONDS * rate)
    return integrated_from_steps(power_steps(samples, rate, step, check), len(samples), rate, step)


def decibels(value: float) -> float:
    """An amplitude in dB."""
    return 20 * math.log10(value) if value > 0 else -math.inf


def peak(samples: Floats) -> float:
    """Largest absolute sample, linear."""
    # Not np.abs(samples).max(), which would copy a whole song.
    return float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))


def peak_db(samples: Floats) -> float:
    """Largest absolute sample in dBFS."""
    return decibels(peak(samples))


def frame_peaks(samples: Floats) -> Floats:
    """Largest absolute value of each frame and between it and the next, over channels; [frames]."""
    audio = samples if samples.ndim == 2 else samples[:, None]
    if len(audio) == 0:
        return np.zeros(0, audio.dtype)
    between = np.abs(resample(audio, 1, _OVERSAMPLING, quality=ANALYSIS)).reshape(len(audio), -1)
    # Column by column: a maximum along rows this short is ten times slower.
    peaks: Floats = functools.reduce(np.maximum, (*between.T, *np.abs(audio).T))
    return peaks


def true_peak(samples: Floats) -> float:
    """Largest absolute value between samples too, linear."""
    return float(frame_peaks(samples).max(initial=0.0))


def song_true_peak(samples: Floats, rate: int, check: Callable[[], None] = lambda: None) -> float:
    """True peak of a long signal, linear: oversamples only the eight loudest tenths of a second."""
    step = max(rate // 10, 64)
    peaks = []
    for first in range(0, len(samples), step):
        if first % (step * 64) == 0:
            check()
        peaks.append(peak(samples[first : first + step]))
    loudest = np.argsort(peaks)[::-1][:8]
    margin = 32
    spans = [(max(i * step - margin, 0), (i + 1) * step + margin) for i in loudest]
    return max((true_peak(samples[first:last]) for first, last in spans), default=0.0)
