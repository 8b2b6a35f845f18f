"""Encodes lyric tokens: a transformer with relative positions, as in Transformer-XL (Dai et al., 2019).

Shapes: B batch, L tokens, C width, H heads, D head width. The sizes are read from the tensors; no config has them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep_v1.networks.sizes import LyricSizes

WEAKENED_BLOCKS = range(4, 6)
FLOOR = 1e-5


def distance_features(tokens: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Sines and cosines in turn, for distances tokens - 1 down to -(tokens - 1): float32 [2 tokens - 1, C]."""
    rates = torch.exp(
        torch.arange(0, width, 2, dtype=torch.float32, device=device) * (-math.log(10_000) / width)
    )
    distances = torch.arange(tokens - 1, -tokens, -1, dtype=torch.float32, device=device)
    angles = distances[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class _Attention(nn.Module):
    """Attention with a learned weight for distances."""

    def __init__(self, sizes: LyricSizes) -> None:
        super().__init__()
        width, heads = sizes.width, sizes.heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.empty(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.empty(heads, width // heads))

    def forward(self, x: Tensor, mask: Tensor, distances: Tensor, tau: float) -> Tensor:
        """mask: bool [B, 1, 1, L]. A token whose keys are all masked gets the output's bias only."""
        query = self._split(self.linear_q(x) * tau)
        key, value = self._split(self.linear_k(x)), self._split(self.linear_v(x))
        place = self._split(self.linear_pos(distances)[None])  # [1, H, 2L - 1, D]
        content = (query + self.pos_bias_u[:, None]) @ key.transpose(-1, -2)
        position = _by_key((query + self.pos_bias_v[:, None]) @ place.transpose(-1, -2))
        scores = (content + position) / math.sqrt(query.shape[-1])
        weights = scores.float().masked_fill(~mask, -math.inf).softmax(-1).nan_to_num(0.0).to(x.dtype)
        found: Tensor = self.linear_out((weights @ value).transpose(1, 2).flatten(2))
        return found

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], *self.pos_bias_u.shape).transpose(1, 2)


def _by_key(scores: Tensor) -> Tensor:
    """Scores by distance [B, H, L, 2L - 1], falling -> scores by key [B, H, L, L]: query i and key j have i - j."""
    tokens = scores.shape[2]
    at = torch.arange(tokens, device=scores.device)
    column = tokens - 1 - at[:, None] + at[None, :]  # distance d is in column L - 1 - d
    return scores.gather(3, column.expand(*scores.shape[:2], -1, -1))


class _FeedForward(nn.Module):
    def __init__(self, sizes: LyricSizes) -> None:
        super().__init__()
        self.w_1 = nn.Linear(sizes.width, sizes.units)
        self.w_2 = nn.Linear(sizes.units, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.w_2(functional.silu(self.w_1(x)))
        return found


class _Layer(nn.Module):
    def __init__(self, sizes: LyricSizes) -> None:
        super().__init__()
        self.self_attn = _Attention(sizes)
        self.feed_forward = _FeedForward(sizes)
        self.norm_mha = nn.LayerNorm(sizes.width, FLOOR)
        self.norm_ff = nn.LayerNorm(sizes.width, FLOOR)

    def forward(self, x: Tensor, mask: Tensor, distances: Tensor, tau: float) -> Tensor:
        x = x + self.self_attn(self.norm_mha(x), mask, distances, tau)
        found: Tensor = x + self.feed_forward(self.norm_ff(x))
        return found


class _Embed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width, FLOOR))
        self._scale = math.sqrt(width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(x)
        return found * self._scale


class LyricStack(nn.Module):
    """Embedded lyric tokens [B, L, C] -> states [B, L, C]."""

    def __init__(self, sizes: LyricSizes) -> None:
        super().__init__()
        self.embed = _Embed(sizes.width)
        self.encoders = nn.ModuleList([_Layer(sizes) for _ in range(sizes.layers)])
        self.after_norm = nn.LayerNorm(sizes.width, FLOOR)

    def forward(self, rows: Tensor, mask: Tensor, tau: float = 1.0) -> Tensor:
        """mask: [B, L], 1 where a token counts. tau: multiplies the queries of the weakened blocks."""
        x = self.embed(rows)
        distances = distance_features(x.shape[1], x.shape[2], x.device).to(x.dtype)
        visible = mask.bool()[:, None, None]
        for index, layer in enumerate(self.encoders):
            x = layer(x, visible, distances, tau if index in WEAKENED_BLOCKS else 1.0)
        found: Tensor = self.after_norm(x)
        return found
