"""The vocoder: a log-mel picture of one channel becomes its wave.

A ConvNeXt backbone (Liu et al., 2022), then HiFi-GAN's upsampling (Kong et al., 2020).

Shapes: pictures [B, 128, F], waves [B, 1, 512 F]. Stored convolutions are split into direction and length; they are
joined when the weights are read (weights/stored_parts.py).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep_v1.networks.sizes import VocoderSizes

FLOOR = 1e-6
CONTEXT = 91
"""Mel frames that a part of the wave depends on, to each side."""
WIDER = 4


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of [B, C, F]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class _Block(nn.Module):
    """A ConvNeXt block."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, FLOOR)
        self.pwconv1 = nn.Linear(width, WIDER * width)
        self.pwconv2 = nn.Linear(WIDER * width, width)
        self.gamma = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        inside = self.norm(self.dwconv(x).transpose(1, 2))
        inside = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(inside)))
        found: Tensor = x + inside.transpose(1, 2)
        return found


class _Backbone(nn.Module):
    def __init__(self, sizes: VocoderSizes) -> None:
        super().__init__()
        dims, kernel = sizes.dims, sizes.backbone_kernel
        stem = nn.Conv1d(sizes.mels, dims[0], kernel, padding=kernel // 2, padding_mode="replicate")
        wider = (
            nn.Sequential(_ChannelNorm(low, FLOOR), nn.Conv1d(low, high, 1)) for low, high in pairwise(dims)
        )
        self.channel_layers = nn.ModuleList([nn.Sequential(stem, _ChannelNorm(dims[0], FLOOR)), *wider])
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(width, kernel) for _ in range(depth)))
            for width, depth in zip(dims, sizes.depths, strict=True)
        )
        self.norm = _ChannelNorm(dims[-1], FLOOR)

    def forward(self, x: Tensor) -> Tensor:
        for layer, stage in zip(self.channel_layers, self.stages, strict=True):
            x = stage(layer(x))
        found: Tensor = self.norm(x)
        return found


class _Stack(nn.Module):
    """Residual convolutions of one size, with growing gaps."""

    def __init__(self, width: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(width, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(width, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(functional.silu(first(functional.silu(x))))
        return x


def _same(width: int, kernel: int, dilation: int) -> nn.Conv1d:
    return nn.Conv1d(width, width, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)


class _Head(nn.Module):
    def __init__(self, sizes: VocoderSizes) -> None:
        super().__init__()
        pre, post = sizes.pre_kernel, sizes.post_kernel
        widths = [sizes.channels // 2**index for index in range(len(sizes.rates) + 1)]
        self.conv_pre = nn.Conv1d(sizes.dims[-1], sizes.channels, pre, padding=pre // 2)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(low, high, kernel, rate, padding=(kernel - rate) // 2)
            for low, high, kernel, rate in zip(widths, widths[1:], sizes.kernels, sizes.rates, strict=False)
        )
        self.resblocks = nn.ModuleList(
            _Stack(width, kernel, dilations) for width in widths[1:] for kernel, dilations in sizes.stacks
        )
        self.conv_post = nn.Conv1d(widths[-1], 1, post, padding=post // 2)
        self._stacks = len(sizes.stacks)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_pre(x)
        for index in range(len(self.ups)):
            x = self.raised(x, index)
        return torch.tanh(self.conv_post(functional.silu(x)))

    def raised(self, x: Tensor, index: int) -> Tensor:
        """One upsampling layer and the mean of its residual stacks."""
        x = self.ups[index](functional.silu(x))
        total = self.resblocks[index * self._stacks](x)
        for each in range(1, self._stacks):
            total = total + self.resblocks[index * self._stacks + each](x)
        mean: Tensor = total / self._stacks
        return mean


class Vocoder(nn.Module):
    """Log-mel pictures [B, 128, F] -> waves [B, 1, 512 F], within +-1."""

    def __init__(self, sizes: VocoderSizes) -> None:
        super().__init__()
        self.backbone = _Backbone(sizes)
        self.head = _Head(sizes)

    def forward(self, picture: Tensor) -> Tensor:
        found: Tensor = self.head(self.backbone(picture))
        return found
