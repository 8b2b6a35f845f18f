"""The networks of one checkpoint as the renderer opens them: kept on the device, or loaded for one phase only.

A network is read from its file whenever it is needed: once read, the file is in the system's page cache, so reloading
only costs the copy to the device, and no second copy stays in main memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from model.acestep.conditioning.qwen_text_encoder import QwenTextEncoder, load_network, load_tokenizer
from model.acestep.conditioning.sound_latents import silence_of
from model.acestep.device.compiled_steps import CompiledSteps
from model.acestep.device.devices import Device, give_back_unused
from model.acestep.device.freed_memory import (
    give_back_freed_memory,
    keep_freed_memory,
    let_go_of_file,
    return_freed_memory,
)
from model.acestep.device.memory_plan import Placement
from model.acestep.device.step_graphs import CudaCapture, StepGraphs, seconds_on
from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit, RenderStep, Step
from model.acestep.networks.vae import Vae
from model.acestep.weights.adapted_weights import AppliedAdapters, adapted, switch
from model.acestep.weights.checkpoint import Weights, load_vae
from model.acestep.weights.half_copy import DTYPE, load_dit_from, open_half_copy
from model.acestep.weights.int8_linear import load_int8_dit
from model.acestep.weights.model_folders import ModelFolder
from model.acestep.weights.tensor_files import TensorFiles
from model.engine import OnProgress, Progress, ShouldStop
from model.errors import NotLoaded

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Neighbours:
    """The folders or files a checkpoint needs besides its own."""

    vae: Path
    text_encoder: Path
    tokenizer: Path


def neighbours(folder: ModelFolder) -> Neighbours:
    """The checkpoint's companions. Raises NotLoaded if one is missing."""
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
        self._applied: AppliedAdapters = ()
        self._device = device
        self._place(placement)
        self._companions = neighbours(weights.folder)
        self._words = load_tokenizer(self._companions.tokenizer)
        self._kept: dict[str, nn.Module] = {}
        self._half_copy: TensorFiles | None = None  # that of the loaded transformer
        self._graphs = StepGraphs(CudaCapture(device.place), lambda why: self._of_render.append(why))
        self._compiled = CompiledSteps(
            partial(seconds_on, device.place), lambda why: self._of_render.append(why)
        )
        self._of_loading: list[str] = []  # remarks for the next take that is delivered
        self._of_render: list[str] = []
        self.traits = weights.folder.traits
        self._silence = weights.silence()

    @cached_property
    def silence(self) -> Tensor:
        """Latents of silence [1, F, 64] on the device: stored, or computed for single files without them."""
        if self._silence is not None:
            return self._silence.to(self._device.place)
        with self.vae() as vae:
            return silence_of(vae).to(self._device.place)

    def arrange(self, placement: Placement) -> None:
        """Switches to this placement, unloading networks as needed. Nothing may be open."""
        before = self.placement
        self._place(placement)
        if (before.offload, before.int8) != (placement.offload, placement.int8):
            self.release()

    def adapt(self, applied: AppliedAdapters) -> None:
        """Switches to these adapters, or to none. A loaded transformer stays: only what they change is read again.

        Nothing may be open.
        """
        if applied == self._applied:
            return
        before, after = self._weights, adapted(self._plain, applied)
        kept = self._kept.pop("dit", None)  # if the switch fails half way, it is loaded anew
        self._applied, self._weights = applied, after
        if kept is None:
            return
        assert isinstance(kept, Dit)
        try:
            switch(kept, before, after, self._device.transformer, self.placement.int8)
            self._device.fit(kept)  # what was read again is plain
            self._let_go_of_files()
        except BaseException:
            empty(kept)
            raise
        self._kept["dit"] = kept
        self._give_back()

    def use_vae(self, place: Path | None) -> bool:
        """Switches to this autoencoder, or to the checkpoint's own; returns whether it was another. Nothing may be
        open."""
        chosen = place or neighbours(self._plain.folder).vae
        if chosen == self._companions.vae:
            return False
        self._companions = replace(self._companions, vae=chosen)
        kept = self._kept.pop("vae", None)
        if kept is not None:
            empty(kept)
            self._give_back()
        return True

    def _place(self, placement: Placement) -> None:
        self.placement = placement
        self.keeps_loaded = not placement.offload
        self.vae_frames = placement.vae_frames

    def release(self) -> None:
        """Unloads all networks."""
        for network in self._kept.values():
            empty(network)
        self._kept.clear()
        self._give_back()

    def load_all(self, progress: OnProgress) -> None:
        """Loads every network once: either they stay, or their files are checked and in the page cache."""
        opened = (self.text_encoder, self.vae, self.condition_encoder, self.audio_codes, self.dit)
        open_each(self.traits.name, opened, progress)
        assert self.silence is not None  # computed now, while nothing else is open

    # --- what the renderer opens ----------------------------------------------------------------------

    @contextmanager
    def text_encoder(self) -> Iterator[QwenTextEncoder]:
        with self._ready("text", lambda *on: load_network(self._companions.text_encoder, *on)) as network:
            yield QwenTextEncoder(network, self._words)

    @contextmanager
    def vae(self) -> Iterator[Vae]:
        with self._ready("vae", lambda *on: load_vae(self._companions.vae, *on)) as vae:
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
            self._half_copy = None if self.placement.int8 else self._copy_in(dtype)
            if self.placement.int8:
                return load_int8_dit(self._weights, dtype, place)
            if self._half_copy is None:
                return self._weights.load_dit(dtype, place)
            return load_dit_from(self._half_copy, self._plain, self._weights, place)

        with self._ready("dit", load, self._device.transformer) as dit:
            dit.prepare = self._prepared
            yield dit

    def _prepared(self, step: RenderStep, calls: int) -> Step:
        """Compiled where that is asked for and pays, then as a graph."""
        chosen: Step = step
        if self._device.compiles:
            chosen = self._compiled.chosen(step, calls, self.placement.int8)
        return self._graphs.captured(chosen, calls) if self.placement.graph else chosen

    def begin(self, should_stop: ShouldStop = lambda: False) -> None:
        """A render begins: what a stopped one left is not told of this one."""
        self._graphs.begin(should_stop)
        self._compiled.begin(should_stop)
        self._of_render.clear()

    def news(self) -> tuple[str, tuple[str, ...]]:
        """Of the render: how its steps ran, and what the producer should know, each once."""
        how = self._compiled.how, "graph" if self._graphs.used else ""
        found = (
            ", ".join(filter(None, how)) or "plain",
            tuple(dict.fromkeys(self._of_loading + self._of_render)),
        )
        self._of_loading.clear()
        self.begin()
        return found

    def _copy_in(self, dtype: torch.dtype) -> TensorFiles | None:
        """The transformer as it is stored in this dtype beside the checkpoint's files."""
        if dtype is not DTYPE:
            return None
        found, remark = open_half_copy(self._plain)
        if remark:
            self._of_loading.append(remark)
        return found

    @contextmanager
    def _ready(
        self,
        name: str,
        load: Callable[[torch.dtype, torch.device], Network],
        dtype: torch.dtype | None = None,
    ) -> Iterator[Network]:
        """A network on the device; afterwards it stays or is unloaded, according to the placement."""
        kept = self._kept.get(name)
        network: Network = self._loaded(load, dtype) if kept is None else kept  # type: ignore[assignment]
        if self.keeps_loaded:
            self._kept[name] = network
            yield network
            return
        try:
            yield network
        finally:
            empty(network)
            self._give_back()

    def _loaded(
        self, load: Callable[[torch.dtype, torch.device], Network], dtype: torch.dtype | None
    ) -> Network:
        """Loads with glibc's default settings, so that unloading returns the pages; rendering keeps freed memory."""
        if self._device.kind == "cpu":
            return_freed_memory()
        dtype = dtype or self._device.dtype
        try:
            network = load(dtype, self._device.place)
            self._device.fit(network)
            self._let_go_of_files()
            if self._device.kind != "cpu":
                self._half_copy = None  # all of it is on the device: the file is free to be made anew
            return network
        finally:
            if self._device.kind == "cpu":
                keep_freed_memory()

    def _let_go_of_files(self) -> None:
        """Where weights are packed, those of the file are a second copy: the system may have its pages back.

        What was not packed is read from the file again when it is used: a thousandth of the weights.
        """
        if self._device.kernels is not None and self._device.kernels.packs:
            copied = () if self._half_copy is None else (self._half_copy,)
            for files in {*self._weights.files.values(), *copied}:
                for name in files.names():
                    let_go_of_file(files.read(name))

    def _give_back(self) -> None:
        give_back_unused(self._device)
        if self._device.kind == "cpu":
            give_back_freed_memory()


def open_each(
    name: str, parts: Sequence[Callable[[], AbstractContextManager[object]]], progress: OnProgress
) -> None:
    """Opens the networks of a checkpoint, one after the other."""
    for index, part in enumerate(parts):
        progress(Progress(f"loading {name}", index / len(parts)))
        with part():
            pass
    progress(Progress(f"loading {name}", 1.0))


def empty(network: nn.Module) -> None:
    """Frees a network's weights at once, even if something still refers to it."""
    for part in network.modules():
        for name, value in part.named_parameters(recurse=False):
            if value.is_mkldnn:  # which cannot move to another device
                setattr(
                    part, name, nn.Parameter(torch.empty(value.shape, device="meta"), requires_grad=False)
                )
    network.to("meta")
