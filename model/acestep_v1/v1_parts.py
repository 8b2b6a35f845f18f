"""The networks of one checkpoint as the renderer opens them: kept on the device, or loaded for one phase only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from model.acestep.device.devices import Device, give_back_unused
from model.acestep.device.parts import open_each
from model.acestep_v1.conditioning.lyric_tokens import FileVocabulary, LyricVocabulary, TagVocabulary
from model.acestep_v1.conditioning.prompt_encoder import (
    PromptEncoder,
    load_prompt_network,
    load_prompt_tokenizer,
)
from model.acestep_v1.networks.audio_codec import AudioCodec
from model.acestep_v1.networks.condition_network import ConditionNetwork
from model.acestep_v1.networks.transformer import SongTransformer
from model.acestep_v1.v1_memory import V1Placement
from model.acestep_v1.weights.stored_parts import V1Weights, adapted_v1
from model.acestep_v1.weights.v1_adapters import AppliedV1Adapter
from model.engine import OnProgress

Network = TypeVar("Network", bound=nn.Module)
_ADAPTED = ("transformer", "condition")


class V1Parts:
    """Opens the networks, as the placement says. Raises NotLoaded for tokenizers that do not fit."""

    def __init__(self, weights: V1Weights, device: Device, placement: V1Placement) -> None:
        self._plain = self._weights = weights
        self._applied: AppliedV1Adapter | None = None
        self._device = device
        self._kept: dict[str, nn.Module] = {}
        self.placement = placement
        self._words = load_prompt_tokenizer(weights.checkpoint)
        file = weights.checkpoint.vocabulary
        self.vocabulary: LyricVocabulary = TagVocabulary() if file is None else FileVocabulary(file)

    def arrange(self, placement: V1Placement) -> None:
        """Switches to this placement. Nothing may be open."""
        if self.placement.offload != placement.offload:
            self.release()
        self.placement = placement

    def adapt(self, applied: AppliedV1Adapter | None) -> None:
        """Switches to this adapter, or to none. Nothing may be open."""
        if applied == self._applied:
            return
        self._applied = applied
        self._weights = (
            self._plain if applied is None else adapted_v1(self._plain, applied.adapter, applied.strength)
        )
        for name in _ADAPTED:
            if name in self._kept:
                self._kept.pop(name).to("meta")
        give_back_unused(self._device)

    def release(self) -> None:
        """Unloads all networks."""
        for network in self._kept.values():
            network.to("meta")
        self._kept.clear()
        give_back_unused(self._device)

    def load_all(self, progress: OnProgress) -> None:
        """Loads every network once: they stay, or their files are checked and in the page cache."""
        opened = (self.text_encoder, self.condition, self.codec, self.transformer)
        open_each(self._weights.checkpoint.name, opened, progress)

    @contextmanager
    def text_encoder(self) -> Iterator[PromptEncoder]:
        with self._ready("text", lambda *on: load_prompt_network(self._weights.checkpoint, *on)) as network:
            yield PromptEncoder(network, self._words)

    @contextmanager
    def condition(self) -> Iterator[ConditionNetwork]:
        with self._ready("condition", lambda *on: self._weights.load_condition(*on)) as network:
            yield network

    @contextmanager
    def transformer(self) -> Iterator[SongTransformer]:
        load = lambda *on: self._weights.load_transformer(*on)  # noqa: E731
        with self._ready("transformer", load, self._device.transformer) as network:
            yield network

    @contextmanager
    def codec(self) -> Iterator[AudioCodec]:
        with (
            self._ready("codec", lambda *on: self._weights.load_codec(*on)) as codec,
            self._ready("vocoder", lambda *on: self._weights.load_vocoder(*on)) as vocoder,
        ):
            yield AudioCodec(codec, vocoder, self._weights.mel(), self.placement.decode_frames)

    @contextmanager
    def _ready(
        self,
        name: str,
        load: Callable[[torch.dtype, torch.device], Network],
        dtype: torch.dtype | None = None,
    ) -> Iterator[Network]:
        """A network on the device; afterwards it stays or is unloaded."""
        network: Network = self._kept.get(name) or load(dtype or self._device.dtype, self._device.place)  # type: ignore[assignment]
        if name not in self._kept:
            self._device.fit(network)
        if not self.placement.offload:
            self._kept[name] = network
            yield network
            return
        try:
            yield network
        finally:
            network.to("meta")
            give_back_unused(self._device)
