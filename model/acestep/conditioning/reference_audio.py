"""Cuts 30 s for the timbre encoder from the producer's reference audio.

As in the official application: one random 10 s piece from each third of the audio; but seeded, so that repeating a
request uses the same pieces. Pure: 48 kHz stereo in, 48 kHz stereo out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.acestep.latent_grid import MODEL_RATE

CLIP_SAMPLES = 30 * MODEL_RATE
_PIECE_SAMPLES = CLIP_SAMPLES // 3


def reference_clip(audio: Tensor, source: torch.Generator) -> Tensor:
    """Audio [2, N] -> 30 s of it, [2, 1,440,000], clamped to +-1; shorter audio is repeated.

    Raises ValueError for empty audio.
    """
    length = audio.shape[1]
    if length == 0:
        raise ValueError("the reference audio is empty")
    audio = audio.clamp(-1, 1)
    if length <= CLIP_SAMPLES:
        return audio.repeat(1, -(-CLIP_SAMPLES // length))[:, :CLIP_SAMPLES]
    third = length // 3
    starts = (
        index * third + int(torch.randint(third - _PIECE_SAMPLES + 1, (1,), generator=source))
        for index in range(3)
    )
    return torch.cat([audio[:, start : start + _PIECE_SAMPLES] for start in starts], dim=1)
