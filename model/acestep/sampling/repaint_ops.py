"""Preserves the surroundings of a region during sampling: injection after early steps, blending at the end.

Works only on latents and masks. The reference implementation's third measure, restoring the waveform after decoding, is
absent: the bridge splices the user's own samples itself.
Masks are bool [B, T], True where audio is re-rendered.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch
from torch import Tensor

_MAX_CROSSFADE_FRAMES = 25


class RepaintMode(enum.Enum):
    """How strictly a render preserves the surroundings."""

    CONSERVATIVE = "conservative"  # injects the surroundings after every step
    BALANCED = "balanced"  # by strength: 0 like conservative, 1 without injection
    AGGRESSIVE = "aggressive"  # the network sees the surroundings, but nothing is injected


@dataclass(frozen=True)
class RepaintSettings:
    """injection_ratio: fraction of the steps followed by injection of the surroundings, 0..1.

    crossfade_frames: width of the final latent ramps outside the region; 0 = no blend.
    """

    injection_ratio: float
    crossfade_frames: int

    def injected_steps(self, steps: int) -> int:
        """Number of `steps` followed by injection (halves round to even)."""
        return round(self.injection_ratio * steps)


def repaint_settings(mode: RepaintMode, strength: float = 0.5) -> RepaintSettings:
    """The settings of a mode. strength is for BALANCED only: 0 = keep most, 1 = change most; clamped to 0..1."""
    if mode is RepaintMode.AGGRESSIVE:
        return RepaintSettings(0.0, 0)
    hold = 1.0 if mode is RepaintMode.CONSERVATIVE else 1.0 - min(max(strength, 0.0), 1.0)
    return RepaintSettings(hold, round(_MAX_CROSSFADE_FRAMES * hold))


def injected(latents: Tensor, source: Tensor, noise: Tensor, mask: Tensor, time: float) -> Tensor:
    """Latents [B, T, C] with the source, noised to `time` by the *initial* noise, outside the region."""
    noised = time * noise + (1 - time) * source
    return torch.where(mask[..., None], latents, noised)


def blended(latents: Tensor, source: Tensor, weight: Tensor) -> Tensor:
    """weight * latents + (1 - weight) * source; weight [B, T]."""
    wide = weight[..., None].to(latents.dtype)
    return wide * latents + (1 - wide) * source


def soft_mask(mask: Tensor, width: int) -> Tensor:
    """1 inside the region, linear ramps of `width` frames outside it, 0 beyond; float32 [B, T].

    If fewer than `width` frames are left before an end, the ramp is that short. Each row has one region; a row without
    frames outside it stays unchanged.
    """
    soft = mask.float()
    for row, item in zip(soft, mask, strict=True):
        inside = item.nonzero().flatten()
        if 0 < len(inside) < len(item):
            _add_ramps(row, int(inside[0]), int(inside[-1]) + 1, width)
    return soft


def _add_ramps(row: Tensor, first: int, end: int, width: int) -> None:
    """Writes k / (n + 1), k = 1..n, before `first`, and the mirror image from `end` on."""
    rising = _ramp(min(width, first))
    row[first - len(rising) : first] = rising
    falling = _ramp(min(width, len(row) - end)).flip(0)
    row[end : end + len(falling)] = falling


def _ramp(count: int) -> Tensor:
    return torch.arange(1, count + 1, dtype=torch.float32) / (count + 1)
