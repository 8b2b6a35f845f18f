"""The transformer's attention: a linear one over the song, a softmax one over the words, and its unusual rotary.

Shapes: B batch, T latent frames (one token each), S encoder tokens, C width, H heads, D head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-15
"""Added to the sum that normalises linear attention."""


@dataclass(frozen=True)
class RotaryTables:
    """Tables of positions 0..P-1, float32 [P, D]."""

    cosine: Tensor
    sine: Tensor

    def first(self, positions: int) -> RotaryTables:
        """The tables of the first positions."""
        return RotaryTables(self.cosine[:positions], self.sine[:positions])


def rotary_tables(
    positions: int, head_width: int, base: float, device: torch.device | str = "cpu"
) -> RotaryTables:
    """The first half of each row holds the angles' cosines and sines, the second half repeats them."""
    exponents = torch.arange(0, head_width, 2, dtype=torch.float32, device=device) / head_width
    angles = torch.outer(torch.arange(positions, dtype=torch.float32, device=device), 1.0 / base**exponents)
    both = torch.cat([angles, angles], dim=1)
    return RotaryTables(both.cos(), both.sin())


def rotated(x: Tensor, rotary: RotaryTables) -> Tensor:
    """x [B, H, P, D] with its positions.

    Neighbouring elements form a pair, yet the tables are laid out for pairs of opposite halves, so the two members of a
    pair turn by different angles. This is no rotation, but the network was trained with it.
    """
    wide = x.float()
    even, odd = wide[..., 0::2], wide[..., 1::2]
    turned = torch.stack([-odd, even], dim=-1).flatten(-2)
    return (wide * rotary.cosine + turned * rotary.sine).to(x.dtype)


def linear_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention without softmax over non-negative queries and keys [B, H, P, D], summed in float32; linear in P."""
    query, key, value = query.float(), key.float(), value.float()
    sums = value.transpose(-1, -2) @ key  # [B, H, D, D]
    weight = key.sum(dim=-2, keepdim=True)  # [B, H, 1, D]
    norm = (query * weight).sum(dim=-1, keepdim=True) + EPSILON
    return query @ sums.transpose(-1, -2) / norm


class _Projections(nn.Module):
    """The four linear layers of an attention, named as stored."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * head_width
        self.to_q = nn.Linear(width, inner)
        self.to_k = nn.Linear(width, inner)
        self.to_v = nn.Linear(width, inner)
        self.to_out = nn.ModuleList([nn.Linear(inner, width)])

    def split(self, x: Tensor) -> Tensor:
        """[B, P, C] -> [B, H, P, D]."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def joined(self, x: Tensor) -> Tensor:
        """[B, H, P, D] -> [B, P, C], through the output layer."""
        found: Tensor = self.to_out[0](x.transpose(1, 2).flatten(2))
        return found


class SelfAttention(_Projections):
    """Linear attention over the latent frames."""

    def forward(self, x: Tensor, rotary: RotaryTables) -> Tensor:
        query = rotated(self.split(self.to_q(x)), rotary).relu()
        key = rotated(self.split(self.to_k(x)), rotary).relu()
        return self.joined(linear_attention(query, key, self.split(self.to_v(x))).to(x.dtype))


@dataclass(frozen=True)
class CrossKeys:
    """What one block needs of a condition: keys and values [B, H, S, D], and which to attend to, bool [B, 1, 1, S]."""

    keys: Tensor
    values: Tensor
    visible: Tensor | None


class CrossAttention(_Projections):
    """Softmax attention over a condition; both sides carry positions, each its own."""

    def prepare(self, states: Tensor, visible: Tensor | None, rotary: RotaryTables) -> CrossKeys:
        """Keys and values of a condition; they are the same in every step."""
        keys = rotated(self.split(self.to_k(states)), rotary)
        return CrossKeys(keys, self.split(self.to_v(states)), visible)

    def forward(self, x: Tensor, condition: CrossKeys, rotary: RotaryTables, tau: float = 1.0) -> Tensor:
        """tau: multiplies the queries; below 1 the attention sees less of the words."""
        query = self.to_q(x) if tau == 1.0 else self.to_q(x) * tau
        found = functional.scaled_dot_product_attention(
            rotated(self.split(query), rotary), condition.keys, condition.values, attn_mask=condition.visible
        )
        return self.joined(found)
