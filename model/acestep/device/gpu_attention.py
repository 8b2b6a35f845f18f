"""How a GPU computes attention, and what that holds in memory: a rule, not a measurement.

torch's fast kernels take a mask or grouped heads, and which of its versions and which cards have one for both is
written nowhere. So torch itself is asked which kernel it would take. Where none takes grouped heads, every query head
gets key heads of its own, copied, and torch is asked again; where none takes those either, the scores are written out,
for some queries at a time. The answer depends on the card, torch and the shape of the heads alone: two processes on one
card, and the memory plan, always agree. A way that merely looked faster for a moment would give other last bits.
Not yet run on a GPU: `python -m benchmarks.gpu` says which kernels it takes there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from model.acestep.device.memory_plan import QUERIES_AT_ONCE, AttentionHolds, AttentionMemory
from model.acestep.networks.attention import Attention, Visible, attend, with_copied_heads

_TOKENS = 384
"""Asked with; which kernel torch takes does not depend on the length."""
_MATH = 0  # torch.nn.attention.SDPBackend.MATH: scores are written out


@dataclass(frozen=True)
class HeadShape:
    """What the choice of a kernel depends on in a layer."""

    heads: int
    key_heads: int
    head_width: int


@dataclass(frozen=True)
class AttentionWay:
    """How attention is computed, behind a mask and without one."""

    memory: AttentionMemory

    def attend(self, query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
        """As `attention.attend`."""
        held = self.memory.plain if visible is None else self.memory.masked
        if held is AttentionHolds.HEADS:
            return attend(*with_copied_heads(query, key, value), visible)
        if held is AttentionHolds.SCORES and visible is None:
            pieces = torch.split(query, QUERIES_AT_ONCE, dim=2)
            return torch.cat([attend(piece, key, value, None) for piece in pieces], dim=2)
        return attend(query, key, value, visible)


@cache
def attention_way(place: torch.device, dtype: torch.dtype, shape: HeadShape) -> AttentionWay:
    """Asks torch; some milliseconds, once."""
    return AttentionWay(AttentionMemory(*(_held(place, dtype, shape, masked) for masked in (True, False))))


def use_attention_way(network: nn.Module, place: torch.device) -> None:
    """Lets the attention layers of a network on this device compute so."""
    for layer in network.modules():
        if isinstance(layer, Attention):
            dtype = (
                layer.query_norm.weight.dtype
            )  # of activations; a linear layer's weight may be packed in 8 bits
            shape = HeadShape(layer.heads, layer.key_heads, layer.head_width)
            layer.attend = attention_way(place, dtype, shape).attend


def _held(place: torch.device, dtype: torch.dtype, shape: HeadShape, masked: bool) -> AttentionHolds:
    for held, key_heads in ((AttentionHolds.NOTHING, shape.key_heads), (AttentionHolds.HEADS, shape.heads)):
        if takes_fast_kernel(place, dtype, HeadShape(shape.heads, key_heads, shape.head_width), masked):
            return held
    return AttentionHolds.SCORES


def takes_fast_kernel(place: torch.device, dtype: torch.dtype, shape: HeadShape, masked: bool) -> bool:
    """Whether torch has a kernel here that does not write the scores out; no where it cannot say."""
    query, key = (
        torch.zeros(1, heads, _TOKENS, shape.head_width, device=place, dtype=dtype)
        for heads in (shape.heads, shape.key_heads)
    )
    mask = torch.zeros(1, 1, _TOKENS, _TOKENS, device=place, dtype=dtype) if masked else None
    try:
        with torch.no_grad():
            found = torch._fused_sdp_choice(query, key, key, mask, enable_gqa=shape.heads != shape.key_heads)
    except (AttributeError, RuntimeError, NotImplementedError, TypeError):
        return False
    return int(found) > _MATH
