"""A whole small ACE-Step checkpoint with random weights: what it renders is noise, but it renders all of it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit
from model.acestep.networks.vae import Vae, VaeConfig
from model.acestep.weights.capabilities import CheckpointTraits, traits_of
from tests.model.acestep.tiny_models import TURBO, networks, silence

TEXT_WIDTH = 32


@cache
def small_vae() -> Vae:
    """Published strides and latents, narrow layers, random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Vae(VaeConfig(encoder_width=4, decoder_width=4, strides=(2, 4, 4, 6, 10))).eval()


class HashedText:
    """A text encoder without a language: one state for each word, drawn from the word's digest."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def states(self, prompt: str) -> Tensor:
        self.read.append(prompt)
        return torch.stack([_drawn(word) for word in prompt.split()])[None]

    def embeddings(self, prompt: str) -> Tensor:
        return self.states(prompt)

    def unread(self, prompt: str, most: int) -> str:
        return " ".join(prompt.split()[most:])

    def tokens(self, prompt: str, most: int) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+\s*", prompt)][:most]


def _drawn(word: str) -> Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return torch.randn(TEXT_WIDTH, generator=torch.Generator().manual_seed(seed))


class SmallParts:
    """Implements renderer.Parts: the tiny checkpoint, an autoencoder that fits it, and hashed text.

    opened: how often each part was opened. With keeps_loaded False no two parts may be open at once.
    """

    def __init__(
        self, name: str = "untrained-tiny-base", *, keeps_loaded: bool = True, vae_frames: int = 64
    ) -> None:
        self.traits: CheckpointTraits = traits_of(name, is_turbo="turbo" in name, is_xl=False)
        self.silence = silence()
        self.vae_frames = vae_frames
        self.keeps_loaded = keeps_loaded
        self.opened: Counter[str] = Counter()
        self.text = HashedText()
        self._open = 0

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        self.opened[name] += 1
        self._open += 1
        assert self.keeps_loaded or self._open == 1, f"{name} was opened beside another part"
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def text_encoder(self) -> Iterator[HashedText]:
        with self._counted("text"):
            yield self.text

    @contextmanager
    def vae(self) -> Iterator[Vae]:
        with self._counted("vae"):
            yield small_vae()

    @contextmanager
    def condition_encoder(self) -> Iterator[ConditionEncoder]:
        with self._counted("conditions"):
            yield networks(TURBO).conditions

    @contextmanager
    def audio_codes(self) -> Iterator[tuple[AudioTokenizer, AudioDetokenizer]]:
        with self._counted("codes"):
            yield networks(TURBO).tokenizer, networks(TURBO).detokenizer

    @contextmanager
    def dit(self) -> Iterator[Dit]:
        with self._counted("dit"):
            yield networks(TURBO).dit
