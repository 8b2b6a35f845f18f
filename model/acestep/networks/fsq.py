"""Finite scalar quantisation: six numbers to one of 64,000 codes, and back.

Always in float32: the codes are integers, and bfloat16 would round some of them to a neighbour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = (8, 8, 8, 5, 5, 5)


@dataclass(frozen=True)
class FsqConfig:
    """width: channels of the vectors; levels: number of steps of each quantised number."""

    width: int
    levels: tuple[int, ...] = LEVELS

    def __post_init__(self) -> None:
        if not self.levels or min(self.levels) < 2:
            raise ValueError(f"every level needs at least 2 steps, got {self.levels}")

    @property
    def codes(self) -> int:
        """Number of codes."""
        return math.prod(self.levels)


def _row(levels: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.tensor(levels, device=like.device, dtype=torch.float32)


def soft_clamp(numbers: Tensor, levels: tuple[int, ...]) -> Tensor:
    """c tanh(x / c) with c = level / (level - 1): the outermost steps stay reachable."""
    row = _row(levels, numbers)
    ceiling = row / (row - 1)
    return ceiling * torch.tanh(numbers / ceiling)


def to_steps(numbers: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Numbers around -1..1 [..., 6] -> the nearest step 0..level-1 of each, as float32."""
    row = _row(levels, numbers)
    return torch.floor((row - 1) * (numbers.clamp(-1, 1) + 1) / 2 + 0.5)


def from_steps(steps: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Steps 0..level-1 [..., 6] -> numbers -1..1."""
    return 2 * steps / (_row(levels, steps) - 1) - 1


def _places(levels: tuple[int, ...], like: Tensor) -> Tensor:
    """Place value of each number in the index: 1, 8, 64, ..."""
    places = [math.prod(levels[:index]) for index in range(len(levels))]
    return torch.tensor(places, device=like.device, dtype=torch.int64)


def to_index(steps: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Steps [..., 6] -> code [...]."""
    return (steps.long() * _places(levels, steps)).sum(-1)


def from_index(index: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Code [...] -> steps [..., 6], as float32."""
    sizes = torch.tensor(levels, device=index.device)
    return ((index[..., None] // _places(levels, index)) % sizes).float()


class Fsq(nn.Module):
    """Vectors to codes and codes to vectors."""

    def __init__(self, config: FsqConfig) -> None:
        super().__init__()
        self.config = config
        self.narrow = nn.Linear(config.width, len(config.levels))
        self.widen = nn.Linear(len(config.levels), config.width)

    def encode(self, vectors: Tensor) -> Tensor:
        """[..., C] -> codes [...]."""
        numbers = functional.linear(vectors.float(), self.narrow.weight.float(), self.narrow.bias.float())
        levels = self.config.levels
        return to_index(to_steps(soft_clamp(numbers, levels), levels), levels)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [...] -> vectors [..., C] in the weights' dtype. Raises ValueError for an impossible code."""
        if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < self.config.codes:
            raise ValueError(
                f"audio codes must be in 0..{self.config.codes - 1}, "
                f"got {int(codes.min())}..{int(codes.max())}"
            )
        numbers = from_steps(from_index(codes, self.config.levels), self.config.levels)
        vectors = functional.linear(numbers, self.widen.weight.float(), self.widen.bias.float())
        return vectors.to(self.widen.weight.dtype)
