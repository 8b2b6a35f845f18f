"""Makes the conditions of a render: with the prompt, and those that guidance leads away from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.acestep_v1.networks.condition_network import ConditionNetwork
from model.acestep_v1.sampling.velocity import TAU, RenderConditions


@dataclass(frozen=True)
class Weakening:
    """Where guidance leads away from a less attentive network instead of from nothing.

    text: its text encoder (only along with lyrics); lyrics: its lyric encoder; transformer: its attention to the words.
    """

    text: bool = True
    lyrics: bool = False
    transformer: bool = True


@dataclass(frozen=True)
class Words:
    """What a render's condition is made of. text: states of the prompt [1, L, width]; weak: the same, weakened.

    lyrics: token ids; a single 0 stands for no lyrics, and counts for nothing.
    """

    text: Tensor
    weak: Tensor | None
    lyrics: tuple[int, ...]


def conditions_of(
    network: ConditionNetwork,
    words: Words,
    weakening: Weakening,
    *,
    separate: bool = False,
    edit: bool = False,
) -> RenderConditions:
    """separate: prompt and lyrics are guided by themselves. edit: nothing is weakened, null has no lyrics."""
    device = network.speaker_embedder.weight.device
    text = words.text.to(device)
    ids = torch.tensor([words.lyrics], device=device)
    text_mask = torch.ones(text.shape[:2], device=device)
    lyric_mask = torch.full(ids.shape, 0.0 if words.lyrics == (0,) else 1.0, device=device)
    none = torch.zeros_like(ids)
    weak_lyrics = weakening.lyrics and not edit
    with torch.no_grad():
        prompt = network(text, text_mask, ids, lyric_mask)
        if weak_lyrics:
            silent = words.weak is None or not weakening.text
            seen = torch.zeros_like(text) if silent or words.weak is None else words.weak.to(device)
            null = network(seen, text_mask, ids, lyric_mask, TAU)
        else:
            null = network(torch.zeros_like(text), text_mask, none, lyric_mask * (not edit))
        only_text = None
        if separate and weak_lyrics:
            only_text = network(text, text_mask, ids, lyric_mask, TAU)
        elif separate:
            only_text = network(text, text_mask, none, lyric_mask)
    return RenderConditions(prompt, null, only_text)
