"""Which of the twelve notes is loudest in each frame of a song: all that MusicGen Melody hears of a melody.

As the library's feature extractor computes it with torchaudio (`MusicgenMelodyFeatureExtractor`), which would
have to be of torch's own version; here with torch and the library's filter bank.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers.audio_utils import chroma_filter_bank

WINDOW = 16_384
HOP = 4_096
"""Samples of the network's rate, as published."""


def chroma_of(mono: Tensor, rate: int, notes: int) -> Tensor:
    """float32 [samples] -> float32 [1, frames, notes]: 1 for the loudest note of a frame, 0 for the others."""
    short = max(0, WINDOW - len(mono))
    padded = torch.nn.functional.pad(mono, (short // 2, short - short // 2))
    spectrum = torch.stft(
        padded, WINDOW, HOP, window=torch.hann_window(WINDOW, device=mono.device), return_complex=True
    )
    filters = chroma_filter_bank(num_frequency_bins=WINDOW, num_chroma=notes, sampling_rate=rate, tuning=0)
    loudness = torch.from_numpy(filters).float().to(mono.device) @ spectrum.abs().square()
    return torch.nn.functional.one_hot(loudness.argmax(0), notes).float()[None]
