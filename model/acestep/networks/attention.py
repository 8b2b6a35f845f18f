"""The transformer building blocks of every ACE-Step network: norm, positions, attention, MLP, layers.

Shapes: B batch, L tokens (queries), S tokens (keys), C channels, H query heads, K key heads, D head width.
All attention is bidirectional; in a "sliding" layer a token attends to at most `window` tokens on each side.
This file knows no checkpoint and no task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class BlockShape:
    """The sizes of one kind of transformer layer.

    heads x head_width may differ from width (it does in the XL transformer).
    """

    width: int
    inner_width: int
    heads: int
    key_heads: int
    head_width: int
    window: int = 128
    rotary_base: float = 1_000_000.0
    norm_floor: float = 1e-6

    def __post_init__(self) -> None:
        if self.heads % self.key_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of key_heads ({self.key_heads})")
        if self.head_width % 2:
            raise ValueError(f"head_width must be even for rotary positions, got {self.head_width}")
        if self.window < 1:
            raise ValueError(f"window must be at least 1 token, got {self.window}")


# --- attention masks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Band:
    """The sliding window in blocks: each block of queries attends only to nearby keys.

    The same result as a full L x L mask, at a cost linear in L instead of quadratic. A short sequence is one block
    without padding, for which the mask is the plain one.

    keep: added to the scores, 0 or -inf, [blocks, 1, queries, keys].
    """

    tokens: int
    window: int
    keep: Tensor

    @property
    def blocks(self) -> int:
        return int(self.keep.shape[0])

    @property
    def queries(self) -> int:
        return int(self.keep.shape[2])

    @property
    def keys(self) -> int:
        return int(self.keep.shape[3])


Visible = Band | Tensor | None
"""A band, an additive mask that broadcasts to [B, H, L, S], or None: every token attends to every token."""


def sliding_band(tokens: int, window: int, device: torch.device, dtype: torch.dtype) -> Band | None:
    """A sliding layer's band for `tokens` tokens, computed once per length; None if the window covers them all."""
    if tokens <= window + 1:
        return None
    queries = 2 * window
    if tokens <= queries + 2 * window:
        # One block would cost as much as the plain mask, so splitting gains nothing.
        position = torch.arange(tokens, device=device)
        allowed = ((position[:, None] - position[None, :]).abs() <= window)[None, None]
    else:
        allowed = _block_mask(tokens, window, queries, device)
    keep = torch.zeros(allowed.shape, device=device, dtype=dtype).masked_fill_(~allowed, float("-inf"))
    return Band(tokens, window, keep)


def _block_mask(tokens: int, window: int, queries: int, device: torch.device) -> Tensor:
    """The keys each query of each block may attend to, bool [blocks, 1, queries, queries + 2 window]."""
    blocks = -(-tokens // queries)
    first = torch.arange(blocks, device=device)[:, None, None] * queries
    query = first + torch.arange(queries, device=device)[None, :, None]
    key = first - window + torch.arange(queries + 2 * window, device=device)[None, None, :]
    allowed = ((query - key).abs() <= window) & (key >= 0) & (key < tokens)
    # Queries beyond the end are dropped later, but a row without any key would give 0/0 until then.
    return (allowed | (query >= tokens)).unsqueeze(1)


def attend(query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
    """Softmax attention: query [B, H, L, D] over key and value [B, K, S, D] -> [B, H, L, D]."""
    if isinstance(visible, Band):
        return _attend_band(query, key, value, visible)
    return _attend(query, key, value, visible)


def with_copied_heads(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same with a key head for every query head: some of torch's kernels take no grouped ones."""
    group = query.shape[1] // key.shape[1]
    return query, key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    grouped = query.shape[1] != key.shape[1]
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=grouped)


def _attend_band(query: Tensor, key: Tensor, value: Tensor, band: Band) -> Tensor:
    if band.blocks == 1:
        return _attend(query, key, value, band.keep)
    B, H, L, D = query.shape
    query = functional.pad(query, (0, 0, 0, band.blocks * band.queries - L))
    # [B, H, blocks * queries, D] -> [blocks, B * H, queries, D]; key heads stay grouped under their item.
    query = query.reshape(B * H, band.blocks, band.queries, D).transpose(0, 1)
    out = _attend(query, _near(key, band), _near(value, band), band.keep)
    return out.transpose(0, 1).reshape(B, H, band.blocks * band.queries, D)[:, :, :L]


def _near(states: Tensor, band: Band) -> Tensor:
    """The keys (or values) of each block: [B, K, L, D] -> [blocks, B * K, keys, D]."""
    behind = band.blocks * band.queries - band.tokens + band.window
    padded = functional.pad(states, (0, 0, band.window, behind)).flatten(0, 1)
    return padded.unfold(1, band.keys, band.queries).permute(1, 0, 3, 2)


# --- positions ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rotary:
    """Rotary tables for token positions 0..L-1 in rotate-half layout: cosine and sine, each [L, D]."""

    cosine: Tensor
    sine: Tensor

    def turn(self, states: Tensor) -> Tensor:
        """Rotates [B, H, L, D] by its positions."""
        first, second = states.chunk(2, dim=-1)
        turned = torch.cat((-second, first), dim=-1)
        return torch.addcmul(states * self.cosine, turned, self.sine)


def rotary_tables(
    tokens: int, head_width: int, base: float, device: torch.device, dtype: torch.dtype
) -> Rotary:
    """Tables for `tokens` positions; computed in float32, whatever `dtype` is."""
    step = torch.arange(0, head_width, 2, device=device, dtype=torch.float32) / head_width
    angle = torch.arange(tokens, device=device, dtype=torch.float32)[:, None] / base**step
    angle = torch.cat((angle, angle), dim=-1)  # [L, D]
    return Rotary(angle.cos().to(dtype), angle.sin().to(dtype))


# --- layers -------------------------------------------------------------------------------------------


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + floor) * weight over the last axis; the division in float32, as in Qwen3."""

    def __init__(self, width: int, floor: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.floor = floor

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.floor)
        return (wide * scale).to(x.dtype) * self.weight


_QUERIES_AT_ONCE = 1024


@dataclass(frozen=True)
class KeysValues:
    """Key and value of attention, each [B, K, S, D]."""

    key: Tensor
    value: Tensor

    def for_batch(self, batch: int) -> KeysValues:
        """The same for `batch` items that share one condition (no copy)."""
        if self.key.shape[0] == batch:
            return self
        return KeysValues(
            self.key.expand(batch, *self.key.shape[1:]), self.value.expand(batch, *self.value.shape[1:])
        )


Attend = Callable[[Tensor, Tensor, Tensor, Visible], Tensor]
"""As `attend`."""


class Attention(nn.Module):
    """Grouped-query attention with a norm per head on query and key.

    attend: how; the device may know a faster way than torch's.
    """

    attend: Attend = staticmethod(attend)

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.heads, self.key_heads, self.head_width = shape.heads, shape.key_heads, shape.head_width
        self.query = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.key = nn.Linear(shape.width, shape.key_heads * shape.head_width, bias=False)
        self.value = nn.Linear(shape.width, shape.key_heads * shape.head_width, bias=False)
        self.out = nn.Linear(shape.heads * shape.head_width, shape.width, bias=False)
        self.query_norm = RmsNorm(shape.head_width, shape.norm_floor)
        self.key_norm = RmsNorm(shape.head_width, shape.norm_floor)

    def queries(self, x: Tensor) -> Tensor:
        """[B, L, C] -> [B, H, L, D]."""
        states = self.query(x).unflatten(-1, (self.heads, self.head_width))
        normed: Tensor = self.query_norm(states)
        return normed.transpose(1, 2)

    def keys_values(self, x: Tensor) -> KeysValues:
        """[B, S, C] -> key and value, each [B, K, S, D]."""
        key = self.key_norm(self.key(x).unflatten(-1, (self.key_heads, self.head_width)))
        value = self.value(x).unflatten(-1, (self.key_heads, self.head_width))
        return KeysValues(key.transpose(1, 2), value.transpose(1, 2))

    def forward(self, x: Tensor, rotary: Rotary, visible: Visible) -> Tensor:
        """Self attention, [B, L, C] -> [B, L, C]."""
        seen = self.keys_values(x)
        heads = self.attend(rotary.turn(self.queries(x)), rotary.turn(seen.key), seen.value, visible)
        return self._joined(heads)

    def across(self, x: Tensor, seen: KeysValues) -> Tensor:
        """Cross attention without positions, [B, L, C] over prepared keys and values -> [B, L, C]."""
        return self._joined(self.attend(self.queries(x), seen.key, seen.value, None))

    def probabilities(self, x: Tensor, seen: KeysValues, head: int, entries: slice) -> Tensor:
        """How one head attends across: softmax over all of `seen`, of which some entries N are kept, float32 [B, L, N].

        In pieces: of a long window, all of it at once would take as much memory as a layer.
        """
        query = self.queries(x)[:, head].float()
        key = seen.key[:, head // (self.heads // self.key_heads)].float().mT / self.head_width**0.5
        pieces = [
            (part @ key).softmax(dim=-1)[..., entries] for part in torch.split(query, _QUERIES_AT_ONCE, 1)
        ]
        return torch.cat(pieces, dim=1)

    def _joined(self, heads: Tensor) -> Tensor:
        joined: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return joined


class GatedMlp(nn.Module):
    """down( SiLU(gate x) * up x )."""

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, inner_width, bias=False)
        self.up = nn.Linear(width, inner_width, bias=False)
        self.down = nn.Linear(inner_width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down(functional.silu(self.gate(x)) * self.up(x))
        return out


class EncoderLayer(nn.Module):
    """A pre-norm layer: x += attention(norm x); x += mlp(norm x)."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.attention_norm = RmsNorm(shape.width, shape.norm_floor)
        self.attention = Attention(shape)
        self.mlp_norm = RmsNorm(shape.width, shape.norm_floor)
        self.mlp = GatedMlp(shape.width, shape.inner_width)

    def forward(self, x: Tensor, rotary: Rotary, visible: Visible) -> Tensor:
        x = x + self.attention(self.attention_norm(x), rotary, visible)
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out


def alternating(layers: int) -> tuple[bool, ...]:
    """Which layers are sliding where a config does not say: every other one, from the first."""
    return tuple(index % 2 == 0 for index in range(layers))


class EncoderStack(nn.Module):
    """Layers with sliding or full attention, then a norm. sliding: for every layer, whether it is sliding."""

    def __init__(self, shape: BlockShape, sliding: tuple[bool, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.sliding = sliding
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in sliding)
        self.norm = RmsNorm(shape.width, shape.norm_floor)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """[B, L, C] -> [B, L, C]; valid, bool [B, L], hides padding from every token."""
        tokens = x.shape[1]
        rotary = rotary_tables(tokens, self.shape.head_width, self.shape.rotary_base, x.device, x.dtype)
        sliding: Visible
        full: Visible
        if valid is None:
            sliding, full = sliding_band(tokens, self.shape.window, x.device, x.dtype), None
        else:
            sliding, full = padding_masks(valid, self.shape.window, x.dtype)
        for layer, slides in zip(self.layers, self.sliding, strict=True):
            x = layer(x, rotary, sliding if slides else full)
        out: Tensor = self.norm(x)
        return out


def padding_masks(valid: Tensor, window: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Additive masks, sliding [B, 1, L, L] and full [B, 1, 1, L], that hide tokens that are not `valid` [B, L].

    Hidden tokens get the lowest finite number, not -inf: a padded token far from every valid one then attends to all
    tokens equally instead of to none, which would be 0/0. Its output is padding and unused.
    """
    position = torch.arange(valid.shape[1], device=valid.device)
    near = (position[:, None] - position[None, :]).abs() <= window  # [L, L]
    hidden = torch.finfo(dtype).min
    seen = valid.bool()[:, None, None, :]  # [B, 1, 1, L]
    full = torch.zeros(seen.shape, device=valid.device, dtype=dtype).masked_fill_(~seen, hidden)
    sliding = torch.zeros((seen & near).shape, device=valid.device, dtype=dtype)
    return sliding.masked_fill_(~(seen & near), hidden), full
