"""Puts the condition together: one token for the singer, then the prompt, then the lyrics.

The singer's token is made of zeros: the network that would hear a voice was never published.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.acestep_v1.networks.lyric_encoder import LyricStack
from model.acestep_v1.networks.sizes import ConditionSizes


@dataclass(frozen=True)
class ConditionStates:
    """states: [B, 1 + L + S, C]; mask: float [B, 1 + L + S], 1 where a token counts."""

    states: Tensor
    mask: Tensor


class ConditionNetwork(nn.Module):
    """The encoders and projections of a condition, named as in the transformer's file."""

    def __init__(self, sizes: ConditionSizes) -> None:
        super().__init__()
        self.speaker_embedder = nn.Linear(sizes.speaker_width, sizes.width)
        self.genre_embedder = nn.Linear(sizes.text_width, sizes.width)
        self.lyric_embs = nn.Embedding(sizes.vocabulary, sizes.lyrics.width)
        self.lyric_encoder = LyricStack(sizes.lyrics)
        self.lyric_proj = nn.Linear(sizes.lyrics.width, sizes.width)

    def lyrics(self, ids: Tensor, mask: Tensor, tau: float = 1.0) -> Tensor:
        """Lyric tokens [B, L], int64 -> states [B, L, C]."""
        states: Tensor = self.lyric_proj(self.lyric_encoder(self.lyric_embs(ids), mask, tau))
        return states

    def forward(
        self,
        text: Tensor,
        text_mask: Tensor,
        lyric_ids: Tensor,
        lyric_mask: Tensor,
        tau: float = 1.0,
        speaker: Tensor | None = None,
    ) -> ConditionStates:
        """text: states of the text encoder [B, S, width]; masks: 1 where a token counts.

        tau: see LyricStack. speaker: [B, 512]; None = zeros.
        """
        weight = self.speaker_embedder.weight
        if speaker is None:
            speaker = torch.zeros(len(text), weight.shape[1], dtype=weight.dtype, device=weight.device)
        parts = (
            self.speaker_embedder(speaker.to(weight))[:, None],
            self.genre_embedder(text.to(weight)),
            self.lyrics(lyric_ids, lyric_mask, tau),
        )
        one = torch.ones(len(text), 1, device=weight.device)
        return ConditionStates(torch.cat(parts, 1), torch.cat([one, text_mask, lyric_mask], 1))
