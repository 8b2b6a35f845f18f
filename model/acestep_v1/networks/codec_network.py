"""The deep-compression autoencoder of log-mel pictures (DC-AE; Chen et al., ICLR 2025), eight times smaller each way.

Shapes: pictures [B, 2, 128, W] (left and right, mel bands, time), latents [B, 8, 16, W / 8]. Only the attention at the
latents' own resolution sees the whole time axis; all other layers see a few frames, so they run over parts of the time
with the same result: `DECODER_CONTEXT` and `ENCODER_CONTEXT` are what such a part needs on each side.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep_v1.networks.attention import linear_attention
from model.acestep_v1.networks.sizes import CodecSizes

FLOOR = 1e-5
FACTOR = 8
DECODER_CONTEXT = 7
"""Latent frames: (1 + 3 x 2) convolutions of three at 2, 4 and 8 pictures' frames each, and the last."""
ENCODER_CONTEXT = 7
"""Latent frames: 44 frames of the picture, rounded up."""
WIDER = 4


class _ChannelNorm(nn.Module):
    """Root-mean-square norm over the channels, with weight and bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, C, H, W]."""
        scale = torch.rsqrt(x.float().square().mean(1, keepdim=True) + FLOOR)
        return (x * scale).to(x.dtype) * self.weight[:, None, None] + self.bias[:, None, None]


class _ResBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = _ChannelNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(self.conv2(functional.silu(self.conv1(x))))
        return found + x


class _Down(nn.Module):
    """Half the size, by convolution and by averaging."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, stride=2, padding=1)
        self._out = out

    def forward(self, x: Tensor) -> Tensor:
        small = functional.pixel_unshuffle(x, 2)
        shortcut = small.reshape(len(x), self._out, -1, *small.shape[2:]).mean(2)
        found: Tensor = self.conv(x)
        return found + shortcut


class _Up(nn.Module):
    """Twice the size, by convolution and by repetition."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, padding=1)
        self._copies = 4 * out // into

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return found + functional.pixel_shuffle(x.repeat_interleave(self._copies, 1), 2)


class _Multiscale(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.proj_in = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        self.proj_out = nn.Conv2d(width, width, 1, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.proj_out(self.proj_in(x))
        return found


class _WholeAttention(nn.Module):
    """Linear attention over all positions of the picture.

    The stored q, k and v are joined with a smoothed copy of them and then cut anew, into groups of three heads' widths:
    which part of a group queries and which is queried follows from the place in the group, not from the names.
    """

    def __init__(self, width: int, head_width: int) -> None:
        super().__init__()
        self._head_width = head_width
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.to_qkv_multiscale = nn.ModuleList([_Multiscale(3 * width, 3 * width // head_width)])
        self.to_out = nn.Linear(2 * width, width, bias=False)
        self.norm_out = _ChannelNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        last = x.movedim(1, -1)
        joined = torch.cat([self.to_q(last), self.to_k(last), self.to_v(last)], -1).movedim(-1, 1)
        both = torch.cat([joined, self.to_qkv_multiscale[0](joined)], 1).flatten(2)
        grouped = both.reshape(len(x), -1, 3 * self._head_width, both.shape[2]).transpose(
            2, 3
        )  # [B, G, H W, 3 D]
        query, key, value = grouped.chunk(3, dim=-1)
        seen = linear_attention(query.relu(), key.relu(), value).to(x.dtype)
        mixed = self.to_out(seen.transpose(2, 3).flatten(1, 2).transpose(1, 2))  # [B, H W, C]
        found: Tensor = self.norm_out(mixed.transpose(1, 2).reshape(x.shape))
        return found + x


class _GatedConv(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = WIDER * width
        self.conv_inverted = nn.Conv2d(width, 2 * inner, 1)
        self.conv_depth = nn.Conv2d(2 * inner, 2 * inner, 3, padding=1, groups=2 * inner)
        self.conv_point = nn.Conv2d(inner, width, 1, bias=False)
        self.norm = _ChannelNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        kept, gate = self.conv_depth(functional.silu(self.conv_inverted(x))).chunk(2, dim=1)
        found: Tensor = self.norm(self.conv_point(kept * functional.silu(gate)))
        return found + x


class _ViTBlock(nn.Module):
    def __init__(self, width: int, head_width: int) -> None:
        super().__init__()
        self.attn = _WholeAttention(width, head_width)
        self.conv_out = _GatedConv(width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv_out(self.attn(x))
        return found


def _blocks(sizes: CodecSizes, stage: int, count: int) -> list[nn.Module]:
    """The blocks of a stage: attention in the last, convolutions in the others."""
    width = sizes.widths[stage]
    if stage == len(sizes.widths) - 1:
        return [_ViTBlock(width, sizes.head_width) for _ in range(count)]
    return [_ResBlock(width) for _ in range(count)]


class CodecEncoder(nn.Module):
    """Pictures [B, 2, 128, W] -> [B, 8, 16, W / 8]."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        widths = sizes.widths
        self.conv_in = nn.Conv2d(sizes.audio_channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            nn.Sequential(
                *_blocks(sizes, stage, count),
                *([_Down(widths[stage], widths[stage + 1])] if stage + 1 < len(widths) else []),
            )
            for stage, count in enumerate(sizes.encoder_layers)
        )
        self.conv_out = nn.Conv2d(widths[-1], sizes.latent_channels, 3, padding=1)
        self._latents = sizes.latent_channels

    def forward(self, picture: Tensor, frames: int | None = None) -> Tensor:
        """frames: latent frames to work on at once; None = all. The result is the same but for rounding."""
        total = picture.shape[-1] // FACTOR
        parts = [
            self._narrow(picture[..., first * FACTOR : last * FACTOR])[..., keep]
            for first, last, keep in stretches(total, frames or total, ENCODER_CONTEXT)
        ]
        x = self.down_blocks[-1](torch.cat(parts, -1))
        found: Tensor = self.conv_out(x) + x.reshape(len(x), self._latents, -1, *x.shape[2:]).mean(2)
        return found

    def _narrow(self, picture: Tensor) -> Tensor:
        x = self.conv_in(picture)
        for stage in list(self.down_blocks)[:-1]:
            x = stage(x)
        narrow: Tensor = x
        return narrow


class CodecDecoder(nn.Module):
    """Latents [B, 8, 16, T] -> pictures [B, 2, 128, 8 T]."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        widths = sizes.widths
        self.conv_in = nn.Conv2d(sizes.latent_channels, widths[-1], 3, padding=1)
        self.up_blocks = nn.ModuleList(
            nn.Sequential(
                *([_Up(widths[stage + 1], widths[stage])] if stage + 1 < len(widths) else []),
                *_blocks(sizes, stage, count),
            )
            for stage, count in enumerate(sizes.decoder_layers)
        )
        self.norm_out = _ChannelNorm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], sizes.audio_channels, 3, padding=1)
        self._copies = widths[-1] // sizes.latent_channels

    def forward(self, latents: Tensor) -> Tensor:
        return self.widened(self.seen(latents))

    def seen(self, latents: Tensor) -> Tensor:
        """The part that sees the whole time axis: [B, 8, 16, T] -> [B, C, 16, T]."""
        x = self.conv_in(latents) + latents.repeat_interleave(self._copies, 1)
        found: Tensor = self.up_blocks[-1](x)
        return found

    def widened(self, seen: Tensor) -> Tensor:
        """The rest, which needs DECODER_CONTEXT frames on each side: [B, C, 16, T] -> [B, 2, 128, 8 T]."""
        x = seen
        for stage in reversed(list(self.up_blocks)[:-1]):
            x = stage(x)
        found: Tensor = self.conv_out(self.norm_out(x).relu())
        return found


def stretches(total: int, length: int, context: int) -> Iterator[tuple[int, int, slice]]:
    """Cuts `total` frames into parts of `length`: first and last frame with context, and what of it to keep."""
    for begin in range(0, total, length):
        end = min(begin + length, total)
        first, last = max(0, begin - context), min(total, end + context)
        yield first, last, slice(begin - first, end - first)


class Codec(nn.Module):
    """Both halves, named as stored."""

    def __init__(self, sizes: CodecSizes) -> None:
        super().__init__()
        self.encoder = CodecEncoder(sizes)
        self.decoder = CodecDecoder(sizes)
