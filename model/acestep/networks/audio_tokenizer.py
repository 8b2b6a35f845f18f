"""Latents to audio codes (5 per second) and codes back to latents ("hints", 25 per second).

Shapes: B batch, T latent frames, N codes = ceil(T / pool), P pool (frames per code), C width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.acestep.networks.attention import BlockShape, EncoderStack, alternating
from model.acestep.networks.fsq import LEVELS, Fsq, FsqConfig


@dataclass(frozen=True)
class AudioTokenizerConfig:
    """Sizes of tokenizer and detokenizer. sliding: for every layer, whether it attends only within its window."""

    block: BlockShape
    latent_channels: int = 64
    pool: int = 5
    sliding: tuple[bool, ...] = alternating(2)
    levels: tuple[int, ...] = LEVELS

    def __post_init__(self) -> None:
        if self.pool < 1:
            raise ValueError(f"pool must be at least 1 frame per code, got {self.pool}")


class AudioTokenizer(nn.Module):
    """Five latent frames -> one code."""

    def __init__(self, config: AudioTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.block.width
        self.latents_in = nn.Linear(config.latent_channels, width)
        self.embed = nn.Linear(width, width)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.stack = EncoderStack(config.block, config.sliding)
        self.fsq = Fsq(FsqConfig(width, config.levels))

    def pad(self, latents: Tensor, silence: Tensor) -> Tensor:
        """Fills [B, T, 64] up to whole codes with the first frames of silence [1, F, 64]."""
        missing = -latents.shape[1] % self.config.pool
        quiet = silence[:, :missing].to(latents).expand(latents.shape[0], -1, -1)
        return torch.cat((latents, quiet), dim=1)

    def pool(self, latents: Tensor) -> Tensor:
        """[B, N * P, 64] -> one vector per code, [B, N, C]."""
        B, T, _ = latents.shape
        if T % self.config.pool:
            raise ValueError(f"{T} latent frames are not a multiple of {self.config.pool}; pad them first")
        x = self.embed(self.latents_in(latents.to(self.latents_in.weight)))
        x = x.reshape(-1, self.config.pool, self.config.block.width)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1)  # [B * N, 1 + P, C]
        pooled: Tensor = self.stack(x)
        return torch.unflatten(pooled[:, 0], 0, (B, -1))

    def encode(self, latents: Tensor, silence: Tensor) -> Tensor:
        """Latents [B, T, 64] of any length -> codes [B, N], int64."""
        return self.fsq.encode(self.pool(self.pad(latents, silence)))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, N] -> code vectors [B, N, C], what the detokenizer takes."""
        return self.fsq.decode(codes)


class AudioDetokenizer(nn.Module):
    """One code vector -> five latent frames."""

    def __init__(self, config: AudioTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.block.width
        self.embed = nn.Linear(width, width)
        self.offsets = nn.Parameter(torch.zeros(1, config.pool, width))
        self.stack = EncoderStack(config.block, config.sliding)
        self.latents_out = nn.Linear(width, config.latent_channels)

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, N, C] -> [B, N * P, 64]."""
        x = self.embed(vectors.to(self.embed.weight)).flatten(0, 1)[:, None] + self.offsets  # [B * N, P, C]
        frames: Tensor = self.latents_out(self.stack(x))
        return torch.unflatten(frames, 0, vectors.shape[:2]).flatten(1, 2)
