"""The diffusion transformer: noisy latents and a condition go in, the velocity (noise - data) comes out.

Shapes: latents [B, 8, 16, T] (channels, mel bands / 8, frames of 92.88 ms); one frame is one token of width C.
The first normalisation spans the whole window, so every token depends on every frame: windows are never padded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep_v1.networks.attention import (
    CrossAttention,
    CrossKeys,
    RotaryTables,
    SelfAttention,
    rotary_tables,
)
from model.acestep_v1.networks.sizes import TransformerSizes

TIME_FEATURES = 256
STEM_CHANNELS = 2048
STEM_GROUPS = 32
WEAKENED_BLOCKS = range(15, 20)
"""The blocks whose queries are weakened for guidance against a less attentive network."""
FLOOR = 1e-6


def plain_norm(x: Tensor) -> Tensor:
    """Root-mean-square norm over the last axis, without weight."""
    return functional.rms_norm(x, (x.shape[-1],), eps=FLOOR)


@cache
def _rates() -> Tensor:
    """The features' frequencies, rounded once: a processor's own exponential differs in the last bit."""
    half = TIME_FEATURES // 2
    exponents = -math.log(10_000) * torch.arange(half, dtype=torch.float32) / half
    return torch.tensor([math.exp(exponent) for exponent in exponents.tolist()], dtype=torch.float32)


def time_features(times: Tensor) -> Tensor:
    """Features [B, 256] of times 0..1000 [B]: cosines, then sines; float32."""
    angles = times.float()[:, None] * _rates().to(times.device)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class _Patches(nn.Module):
    """Latents -> tokens."""

    def __init__(self, sizes: TransformerSizes) -> None:
        super().__init__()
        self.early_conv_layers = nn.Sequential(
            nn.Conv2d(sizes.channels, STEM_CHANNELS, (sizes.bands, 1), (sizes.bands, 1)),
            nn.GroupNorm(STEM_GROUPS, STEM_CHANNELS, eps=FLOOR),
            nn.Conv2d(STEM_CHANNELS, sizes.width, 1),
        )

    def forward(self, latents: Tensor) -> Tensor:
        tokens: Tensor = self.early_conv_layers(latents)
        return tokens.squeeze(2).transpose(1, 2)


class _TimeEmbedder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(TIME_FEATURES, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, features: Tensor) -> Tensor:
        embedded: Tensor = self.linear_2(functional.silu(self.linear_1(features)))
        return embedded


class _Conv(nn.Module):
    """A convolution over time, stored one level deeper than its name."""

    def __init__(self, into: int, out: int, size: int, groups: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv1d(into, out, size, padding=size // 2, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x)
        return found


class GatedConvolution(nn.Module):
    """The feed-forward part: a gated convolution over three frames."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.inverted_conv = _Conv(width, 2 * inner, 1)
        self.depth_conv = _Conv(2 * inner, 2 * inner, 3, groups=2 * inner)
        self.point_conv = _Conv(inner, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        wide = functional.silu(self.inverted_conv(x.transpose(1, 2)))
        kept, gate = self.depth_conv(wide).chunk(2, dim=1)
        found: Tensor = self.point_conv(kept * functional.silu(gate))
        return found.transpose(1, 2)


class SongBlock(nn.Module):
    """Self attention, cross attention (neither normalised nor gated), gated convolution."""

    def __init__(self, sizes: TransformerSizes) -> None:
        super().__init__()
        self.scale_shift_table = nn.Parameter(torch.empty(6, sizes.width))
        self.attn = SelfAttention(sizes.width, sizes.heads, sizes.head_width)
        self.cross_attn = CrossAttention(sizes.width, sizes.heads, sizes.head_width)
        self.ff = GatedConvolution(sizes.width, sizes.inner)

    def forward(
        self, x: Tensor, time: Tensor, condition: CrossKeys, rotary: RotaryTables, tau: float
    ) -> Tensor:
        """time: [B, 6, C]. tau: see CrossAttention; in the self attention it would cancel out."""
        shift, scale, gate, shift_out, scale_out, gate_out = (
            (self.scale_shift_table + time).unsqueeze(2).unbind(1)
        )
        x = x + gate * self.attn(plain_norm(x) * (1 + scale) + shift, rotary)
        x = x + self.cross_attn(x, condition, rotary, tau)
        found: Tensor = x + gate_out * self.ff(plain_norm(x) * (1 + scale_out) + shift_out)
        return found


class Head(nn.Module):
    """Tokens -> velocity [B, 8, 16, T]."""

    def __init__(self, sizes: TransformerSizes) -> None:
        super().__init__()
        self._shape = sizes.bands, sizes.channels
        self.scale_shift_table = nn.Parameter(torch.empty(2, sizes.width))
        self.linear = nn.Linear(sizes.width, sizes.bands * sizes.channels)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        shift, scale = (self.scale_shift_table + embedded[:, None]).unsqueeze(2).unbind(1)
        found: Tensor = self.linear(plain_norm(x) * (1 + scale) + shift)
        return found.reshape(*found.shape[:2], *self._shape).permute(0, 3, 2, 1)


@dataclass(frozen=True)
class ReadyCondition:
    """A condition as the blocks read it, for as many steps as there are."""

    blocks: tuple[CrossKeys, ...]


class SongTransformer(nn.Module):
    """The network without the encoders of its condition (condition_network.py)."""

    def __init__(self, sizes: TransformerSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.proj_in = _Patches(sizes)
        self.timestep_embedder = _TimeEmbedder(sizes.width)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(sizes.width, 6 * sizes.width))
        self.transformer_blocks = nn.ModuleList([SongBlock(sizes) for _ in range(sizes.layers)])
        self.final_layer = Head(sizes)

    def rotary(self, positions: int) -> RotaryTables:
        """The tables for a window of so many frames, or a condition of so many tokens."""
        device = self.final_layer.linear.weight.device
        return rotary_tables(positions, self.sizes.head_width, self.sizes.rotary_base, device)

    def prepare(self, states: Tensor, mask: Tensor) -> ReadyCondition:
        """states: [B, S, C]; mask: [B, S], 1 where a token counts."""
        visible = None if bool(mask.all()) else mask.bool()[:, None, None]
        rotary = self.rotary(states.shape[1])
        return ReadyCondition(
            tuple(block.cross_attn.prepare(states, visible, rotary) for block in self._blocks)
        )

    def forward(
        self,
        latents: Tensor,
        times: Tensor,
        condition: ReadyCondition,
        rotary: RotaryTables,
        tau: float = 1.0,
    ) -> Tensor:
        """The velocity [B, 8, 16, T]. times: [B], 0..1000. rotary: of the window's frames.

        tau: multiplies the queries of the weakened blocks.
        """
        embedded, time = self.embedded(times, latents.dtype)
        x = self.proj_in(latents)
        for index, (block, keys) in enumerate(zip(self._blocks, condition.blocks, strict=True)):
            x = block(x, time, keys, rotary, tau if index in WEAKENED_BLOCKS else 1.0)
        found: Tensor = self.final_layer(x, embedded)
        return found

    def embedded(self, times: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The time for the head [B, C], and for the blocks [B, 6, C]."""
        embedded = self.timestep_embedder(time_features(times).to(dtype))
        return embedded, self.t_block(embedded).reshape(len(times), 6, -1)

    @property
    def _blocks(self) -> Sequence[SongBlock]:
        return self.transformer_blocks  # type: ignore[return-value]
