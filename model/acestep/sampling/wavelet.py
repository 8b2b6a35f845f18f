"""The wavelet correction ("DCW"): after each step, pushes the latents away from the clean estimate, band by band.

On by default in the reference implementation since spring 2026; absent from earlier releases and from diffusers.
The transform runs along time, one level. With an orthonormal filter bank that keeps every coefficient, low and high
band add up to the signal, so only the low band is computed and the high band is the rest.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import conv1d, conv_transpose1d

# Scaling filters of the orthonormal Daubechies family (Daubechies, Ten Lectures on Wavelets, table 6.1).
_SCALING_FILTERS = {
    "haar": (0.7071067811865476, 0.7071067811865476),
    "db4": (
        0.23037781330885523,
        0.7148465705525415,
        0.6308807679295904,
        -0.02798376941698385,
        -0.18703481171888114,
        0.030841381835986965,
        0.032883011666982945,
        -0.010597401784997278,
    ),
}
WAVELETS = tuple(_SCALING_FILTERS)


class WaveletMode(enum.Enum):
    """Which bands are corrected, and the strength over time."""

    DOUBLE = "double"  # low band by scale * t, high band by high_scale * (1 - t)
    LOW = "low"  # low band by scale * t
    HIGH = "high"  # high band by scale * (1 - t)
    PIX = "pix"  # everything by scale, no transform, no time


@dataclass(frozen=True)
class WaveletSettings:
    """scale: strength in the low band, or in a single-band mode; high_scale: in the high band of `double`."""

    mode: WaveletMode = WaveletMode.DOUBLE
    scale: float = 0.05
    high_scale: float = 0.02
    wavelet: str = "haar"

    def __post_init__(self) -> None:
        if self.wavelet not in _SCALING_FILTERS:
            raise ValueError(f"wavelet must be one of {', '.join(WAVELETS)}, not {self.wavelet!r}")


def corrected(after_step: Tensor, clean: Tensor, time: float, settings: WaveletSettings) -> Tensor:
    """The latents after a step, corrected; [B, T, C] in and out.

    clean: the estimate of the finished latents before the step, x - t v.
    time:  the time before the step.
    """
    difference = after_step - clean
    low_gain, high_gain = _gains(time, settings)
    if low_gain == high_gain:
        return after_step + low_gain * difference
    low = low_band(difference, settings.wavelet)
    return after_step + low_gain * low + high_gain * (difference - low)


def low_band(signal: Tensor, wavelet: str = "haar") -> Tensor:
    """The low band of one level of the transform along time, at full length; [B, T, C].

    Zeros beyond both ends; an odd length is padded with one zero frame and cropped again.
    """
    batch, frames, channels = signal.shape
    taps = _taps(wavelet, signal.dtype, signal.device)
    reach = taps.shape[-1] - 2  # coefficients whose filter extends past an end are kept too
    rows = signal.transpose(1, 2).reshape(batch * channels, 1, frames)
    rows = torch.nn.functional.pad(rows, (reach, reach + frames % 2))
    coefficients = conv1d(rows, taps, stride=2)
    back = conv_transpose1d(coefficients, taps, stride=2)[..., reach : reach + frames]
    return back.reshape(batch, channels, frames).transpose(1, 2)


@cache
def _taps(wavelet: str, dtype: torch.dtype, place: torch.device) -> Tensor:
    """A scaling filter [1, 1, N]. Kept: a copy from main memory at every step would wait for the device."""
    return torch.tensor(_SCALING_FILTERS[wavelet], dtype=dtype, device=place).view(1, 1, -1)


def _gains(time: float, settings: WaveletSettings) -> tuple[float, float]:
    """(low band, high band) at a time."""
    if settings.mode is WaveletMode.DOUBLE:
        return settings.scale * time, settings.high_scale * (1 - time)
    if settings.mode is WaveletMode.LOW:
        return settings.scale * time, 0.0
    if settings.mode is WaveletMode.HIGH:
        return 0.0, settings.scale * (1 - time)
    return settings.scale, settings.scale
