"""The condition encoder: combines text, lyrics and reference audio into the transformer's condition sequence.

Shapes: B batch, L tokens, N reference clips in the whole batch, F latent frames of a clip, C width.
The order per item is lyrics, timbre, text, then padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.acestep.networks.attention import BlockShape, EncoderStack, alternating


@dataclass(frozen=True)
class ConditionEncoderConfig:
    """Sizes of the encoder.

    lyric_sliding, timbre_sliding: for every layer, whether it attends only within its window.
    timbre_token: whether the timbre is the output at a learned token before the clip (XL), or at the first audio
        frame (2B, where the token is stored but unused).
    """

    block: BlockShape
    text_width: int = 1024
    timbre_channels: int = 64
    lyric_sliding: tuple[bool, ...] = alternating(8)
    timbre_sliding: tuple[bool, ...] = alternating(4)
    timbre_token: bool = False


@dataclass(frozen=True)
class Packed:
    """A sequence whose valid entries come first: states [B, L, C], valid bool [B, L]."""

    states: Tensor
    valid: Tensor


def pack(first: Packed, second: Packed) -> Packed:
    """Appends `second` to `first`, item by item, and moves all padding to the end, keeping the order."""
    states = torch.cat((first.states, second.states), dim=1)
    valid = torch.cat((first.valid, second.valid), dim=1)
    order = torch.argsort(valid.int(), dim=1, descending=True, stable=True)
    states = states.gather(1, order[:, :, None].expand_as(states))
    return Packed(states, valid.gather(1, order))


class LyricEncoder(nn.Module):
    """Encodes lyric token embeddings bidirectionally; padding is masked here (and only here)."""

    def __init__(self, config: ConditionEncoderConfig) -> None:
        super().__init__()
        self.embed = nn.Linear(config.text_width, config.block.width)
        self.stack = EncoderStack(config.block, config.lyric_sliding)

    def forward(self, embeddings: Tensor, valid: Tensor) -> Tensor:
        """[B, L, text width], bool [B, L] -> [B, L, C]."""
        out: Tensor = self.stack(
            self.embed(embeddings.to(self.embed.weight)), None if bool(valid.all()) else valid
        )
        return out


class TimbreEncoder(nn.Module):
    """One vector for each reference clip."""

    def __init__(self, config: ConditionEncoderConfig) -> None:
        super().__init__()
        self.takes_token = config.timbre_token
        self.embed = nn.Linear(config.timbre_channels, config.block.width)
        self.token = nn.Parameter(torch.zeros(1, 1, config.block.width))
        self.stack = EncoderStack(config.block, config.timbre_sliding)

    def forward(self, clips: Tensor) -> Tensor:
        """[N, F, 64] -> [N, C]."""
        x = self.embed(clips.to(self.embed.weight))
        if self.takes_token:
            x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1)
        out: Tensor = self.stack(x)
        return out[:, 0]


def group_clips(vectors: Tensor, item: Tensor, batch: int) -> Packed:
    """Clip vectors [N, C] grouped by their item [N], padded to the largest group."""
    groups = [vectors[item == index] for index in range(batch)]
    counts = torch.tensor([len(group) for group in groups], device=vectors.device)
    states = nn.utils.rnn.pad_sequence(groups, batch_first=True)  # [B, clips, C]
    valid = torch.arange(states.shape[1], device=vectors.device)[None] < counts[:, None]
    return Packed(states, valid)


class ConditionEncoder(nn.Module):
    """The network."""

    def __init__(self, config: ConditionEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.text = nn.Linear(config.text_width, config.block.width, bias=False)
        self.lyrics = LyricEncoder(config)
        self.timbre = TimbreEncoder(config)
        self.no_condition = nn.Parameter(torch.zeros(1, 1, config.block.width))

    def forward(self, text: Packed, lyrics: Packed, clips: Tensor, item: Tensor) -> Packed:
        """Encodes a batch, in the dtype of the weights.

        text: last hidden states of the text encoder, [B, L, text width].
        lyrics: token embeddings of the lyrics, [B, L, text width].
        clips, item: latents of all reference clips [N, F, 64] and the item of each [N]; an item without a reference
            gets a clip of silence.
        """
        return self.with_timbre(text, lyrics, self.timbre(clips), item)

    def with_timbre(self, text: Packed, lyrics: Packed, timbres: Tensor, item: Tensor) -> Packed:
        """The same with the clips' vectors [N, C], as `timbre` gives them."""
        sung = Packed(self.lyrics(lyrics.states, lyrics.valid), lyrics.valid)
        timbre = group_clips(timbres, item, text.states.shape[0])
        words = Packed(self.text(text.states.to(self.text.weight)), text.valid)
        return pack(pack(sung, timbre), words)
