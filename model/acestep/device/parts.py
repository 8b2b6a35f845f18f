"""The networks of one checkpoint as the renderer opens them: kept on the device, or there for one phase only.

Each comes from its file whenever it is needed: a file that was read once is in the system's cache, so that a network
that comes again costs the way to the device, and no second copy of it waits in main memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from model.acestep.conditioning.qwen_text_encoder import QwenTextEncoder, load_network, load_tokenizer
from model.acestep.conditioning.sound_latents import silence_of
from model.acestep.device.devices import Device, give_back_unused
from model.acestep.device.freed_memory import give_back_freed_memory, keep_freed_memory, return_freed_memory
from model.acestep.device.memory_plan import Placement
from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit
from model.acestep.networks.vae import Vae
from model.acestep.weights.adapted_weights import AppliedAdapter, adapted
from model.acestep.weights.checkpoint import Weights, load_vae
from model.acestep.weights.int8_linear import load_int8_dit
from model.acestep.weights.model_folders import ModelFolder
from model.engine import OnProgress, Progress
from model.errors import NotLoaded

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Neighbours:
    """The folders or files a checkpoint needs beside its own."""

    vae: Path
    text_encoder: Path
    tokenizer: Path


def neighbours(folder: ModelFolder) -> Neighbours:
    """Raises NotLoaded when one is missing."""
    missing = folder.what_is_missing()
    if missing is not None:
        raise NotLoaded(*missing)
    assert folder.vae is not None
    assert folder.text_encoder is not None
    return Neighbours(folder.vae, folder.text_encoder, folder.tokenizer or folder.text_encoder)


class StoredParts:
    """Implements renderer.Parts over the files of one checkpoint."""

    def __init__(self, weights: Weights, device: Device, placement: Placement) -> None:
        self._plain = self._weights = weights
        self._laid: AppliedAdapter | None = None
        self._device = device
        self._place(placement)
        self._beside = neighbours(weights.folder)
        self._words = load_tokenizer(self._beside.tokenizer)
        self._kept: dict[str, nn.Module] = {}
        self.traits = weights.folder.traits
        self._silence = weights.silence()

    @cached_property
    def silence(self) -> Tensor:
        """Latents of silence [1, F, 64] on the device: stored, or made where single files have none."""
        if self._silence is not None:
            return self._silence.to(self._device.place)
        with self.vae() as vae:
            return silence_of(vae).to(self._device.place)

    def arrange(self, placement: Placement) -> None:
        """Places the networks so from now on; what must not stay is released. Nothing may be open."""
        before = self.placement
        self._place(placement)
        if (before.offload, before.int8) != (placement.offload, placement.int8):
            self.release()

    def adapt(self, laid: AppliedAdapter | None) -> None:
        """Renders with this adapter from now on, or with none. Nothing may be open."""
        if laid == self._laid:
            return
        self._laid, self._weights = laid, adapted(self._plain, laid)
        kept = self._kept.pop("dit", None)
        if kept is not None:
            empty(kept)
            self._give_back()

    def _place(self, placement: Placement) -> None:
        self.placement = placement
        self.keeps_loaded = not placement.offload
        self.vae_frames = placement.vae_frames

    def release(self) -> None:
        """Gives all networks' memory back."""
        for network in self._kept.values():
            empty(network)
        self._kept.clear()
        self._give_back()

    def load_all(self, progress: OnProgress) -> None:
        """Loads every network once: they stay if they may, else their files are known to be whole and near."""
        opened = (self.text_encoder, self.vae, self.condition_encoder, self.audio_codes, self.dit)
        for index, part in enumerate(opened):
            progress(Progress(f"loading {self.traits.name}", index / len(opened)))
            with part():
                pass
        assert self.silence is not None  # made now, while nothing else is open
        progress(Progress(f"loading {self.traits.name}", 1.0))

    # --- what the renderer opens ----------------------------------------------------------------------

    @contextmanager
    def text_encoder(self) -> Iterator[QwenTextEncoder]:
        with self._ready("text", lambda *on: load_network(self._beside.text_encoder, *on)) as network:
            yield QwenTextEncoder(network, self._words)

    @contextmanager
    def vae(self) -> Iterator[Vae]:
        with self._ready("vae", lambda *on: load_vae(self._beside.vae, *on)) as vae:
            yield vae

    @contextmanager
    def condition_encoder(self) -> Iterator[ConditionEncoder]:
        with self._ready("conditions", self._weights.load_condition_encoder) as encoder:
            yield encoder

    @contextmanager
    def audio_codes(self) -> Iterator[tuple[AudioTokenizer, AudioDetokenizer]]:
        with (
            self._ready("tokenizer", self._weights.load_tokenizer) as tokenizer,
            self._ready("detokenizer", self._weights.load_detokenizer) as detokenizer,
        ):
            yield tokenizer, detokenizer

    @contextmanager
    def dit(self) -> Iterator[Dit]:
        def load(dtype: torch.dtype, place: torch.device) -> Dit:
            if self.placement.int8:
                return load_int8_dit(self._weights, dtype, place)
            return self._weights.load_dit(dtype, place)

        with self._ready("dit", load) as dit:
            yield dit

    @contextmanager
    def _ready(self, name: str, load: Callable[[torch.dtype, torch.device], Network]) -> Iterator[Network]:
        """A network on the device; afterwards it stays there or leaves, as the placement says."""
        kept = self._kept.get(name)
        network: Network = self._loaded(load) if kept is None else kept  # type: ignore[assignment]
        if self.keeps_loaded:
            self._kept[name] = network
            yield network
            return
        try:
            yield network
        finally:
            empty(network)
            self._give_back()

    def _loaded(self, load: Callable[[torch.dtype, torch.device], Network]) -> Network:
        """Weights get pages of their own, which go when they go; what computing frees is kept for computing."""
        if self._device.kind == "cpu":
            return_freed_memory()
        try:
            return load(self._device.dtype, self._device.place)
        finally:
            if self._device.kind == "cpu":
                keep_freed_memory()

    def _give_back(self) -> None:
        give_back_unused(self._device)
        if self._device.kind == "cpu":
            give_back_freed_memory()


def empty(network: nn.Module) -> None:
    """Frees a network's weights at once, whoever still holds on to it."""
    network.to("meta")
