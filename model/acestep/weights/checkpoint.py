"""Loads stored weights into networks; stored_names.py knows the names of the tensors.

Tensors are memory-mapped from safetensors and become the network's parameters directly, so a checkpoint is never in
memory twice; without a change of dtype or device the parameters stay in the mapped file. Loading is strict: a missing,
surplus or misshapen tensor is an error that names it. Code from a checkpoint never runs.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from model.acestep.latent_grid import MAX_FRAMES
from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit
from model.acestep.networks.network_config import NetworkConfig, vae_from_fields
from model.acestep.networks.vae import Vae, VaeConfig
from model.acestep.weights.model_folders import Layout, ModelFolder, read_fields
from model.acestep.weights.pinned_moves import moving_to
from model.acestep.weights.single_files import Held, unknown_tensors, vae_fields
from model.acestep.weights.stored_names import (
    DIFFUSERS_FOLDERS,
    TABLES,
    CheckpointPart,
    Recipe,
    diffusers_recipes,
    official_recipes,
    some_of,
    vae_recipes,
)
from model.acestep.weights.tensor_files import (
    DOWNLOAD_AGAIN,
    SILENCE,
    TensorFiles,
    network_files,
    silence_from_file,
    weight_files,
)
from model.errors import NotLoaded

Network = TypeVar("Network", bound=nn.Module)

# --- filling networks ---------------------------------------------------------------------------------


def fill(
    build: Callable[[], Network],
    recipes: Mapping[str, Recipe],
    read: Callable[[str], Tensor],
    part: enum.Enum,
    dtype: torch.dtype,
    device: torch.device | str,
) -> Network:
    """Builds a network on the meta device and assigns the stored tensors, converted one by one.

    part: its value is the network's name in messages.

    Raises NotLoaded, naming the tensors, if any are missing, surplus or of a shape other than in the config.
    """
    with torch.device("meta"):
        network = build()
    check_complete(network.state_dict(), recipes, part)
    network.load_state_dict(made(network, recipes, read, part, dtype, device), strict=True, assign=True)
    return network.requires_grad_(False).eval()


def refill(
    network: nn.Module,
    recipes: Mapping[str, Recipe],
    read: Callable[[str], Tensor],
    part: CheckpointPart,
    dtype: torch.dtype,
    device: torch.device | str,
) -> None:
    """Replaces some tensors of a filled network, one after the other; all others stay where they are."""
    for name, recipe in recipes.items():
        tensors = made(network, {name: recipe}, read, part, dtype, device)
        network.load_state_dict(tensors, strict=False, assign=True)


def made(
    network: nn.Module,
    recipes: Mapping[str, Recipe],
    read: Callable[[str], Tensor],
    part: enum.Enum,
    dtype: torch.dtype,
    device: torch.device | str,
) -> dict[str, Tensor]:
    """A network's tensors by recipes, in their order. Raises NotLoaded for one that does not fit."""
    wanted, state = network.state_dict(), {}
    with moving_to(device) as move:
        for name, recipe in recipes.items():
            stored = [read(key) for key in recipe.sources]
            _refuse_whole_numbers(recipe.sources, stored, dtype, part)
            tensor = recipe.make(*stored)
            if tensor.shape != wanted[name].shape:
                raise NotLoaded(
                    f"{recipe.sources[-1]} gives the {part.value}'s {name} the shape {list(tensor.shape)}, "
                    f"but the config needs {list(wanted[name].shape)}.",
                    "The weights and config.json belong to different models: download the model again.",
                )
            # Integers are weights packed just before, which keep their dtype.
            state[name] = move(tensor, dtype if tensor.is_floating_point() else None)
    return state


def _refuse_whole_numbers(
    names: Sequence[str], stored: Sequence[Tensor], needed: torch.dtype, part: enum.Enum
) -> None:
    """Checked before folding, because weights folded from integers would look valid and sound like noise."""
    for name, tensor in zip(names, stored, strict=True):
        if not tensor.is_floating_point():
            raise NotLoaded(
                f"{name} has the dtype {tensor.dtype}, but the {part.value} needs {needed}.",
                "Weights quantised by other programs are not supported: use the published ones.",
            )


def check_complete(wanted: Iterable[str], recipes: Mapping[str, Recipe], part: enum.Enum) -> None:
    """Raises NotLoaded unless the recipes produce exactly the wanted parameters."""
    missing = sorted(set(wanted) - set(recipes))
    surplus = sorted(key for name in set(recipes) - set(wanted) for key in recipes[name].sources)
    if missing:
        raise NotLoaded(f"The {part.value}'s weights are missing {some_of(missing)}.", DOWNLOAD_AGAIN)
    if surplus:
        raise NotLoaded(
            f"These weights do not belong to the {part.value}: {some_of(surplus)}.", DOWNLOAD_AGAIN
        )


# --- what callers use ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """An open checkpoint, checked for completeness; each network loads on demand."""

    folder: ModelFolder
    recipes: Mapping[CheckpointPart, Mapping[str, Recipe]]
    files: Mapping[CheckpointPart, TensorFiles]

    def load_dit(self, dtype: torch.dtype, device: torch.device | str) -> Dit:
        return self._fill(lambda: Dit(self._config.dit), CheckpointPart.DIT, dtype, device)

    def load_condition_encoder(self, dtype: torch.dtype, device: torch.device | str) -> ConditionEncoder:
        return self._fill(
            lambda: ConditionEncoder(self._config.conditions), CheckpointPart.CONDITIONS, dtype, device
        )

    def load_tokenizer(self, dtype: torch.dtype, device: torch.device | str) -> AudioTokenizer:
        return self._fill(
            lambda: AudioTokenizer(self._config.tokens), CheckpointPart.TOKENIZER, dtype, device
        )

    def load_detokenizer(self, dtype: torch.dtype, device: torch.device | str) -> AudioDetokenizer:
        return self._fill(
            lambda: AudioDetokenizer(self._config.tokens), CheckpointPart.DETOKENIZER, dtype, device
        )

    def silence(self) -> Tensor | None:
        """Latents of silence, float32 [1, 15000 or more, 64]; None if they are not stored, as in single files.

        Stored ones that are shorter than the longest window are repeated.
        """
        if self.folder.layout is Layout.COMFYUI:
            return None
        inside = self.files[CheckpointPart.CONDITIONS]
        if self.folder.layout is Layout.DIFFUSERS and "silence_latent" in inside.names():
            stored = inside.read("silence_latent").float()
        else:
            stored = silence_from_file(self.folder.path / SILENCE, self._config.dit.latent_channels)
        return stored.repeat(1, max(1, -(-MAX_FRAMES // stored.shape[1])), 1)

    @property
    def _config(self) -> NetworkConfig:
        return self.folder.config

    def _fill(
        self,
        build: Callable[[], Network],
        part: CheckpointPart,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> Network:
        return fill(build, self.recipes[part], self.files[part].read, part, dtype, device)


def open_weights(folder: ModelFolder) -> Weights:
    """Opens a checkpoint without reading its weights.

    Raises NotLoaded if a file is missing or damaged, or if any network has missing or surplus tensors.
    """
    if folder.layout is Layout.OFFICIAL:
        shared = TensorFiles(weight_files(folder.path, "model"))
        weights = Weights(folder, official_recipes(shared.names()), dict.fromkeys(TABLES, shared))
    elif folder.layout is Layout.COMFYUI:
        unknown = unknown_tensors(folder.path)
        if unknown:
            raise NotLoaded(
                f"{folder.path} has tensors of unknown networks: {some_of(unknown)}.", DOWNLOAD_AGAIN
            )
        shared = network_files(folder.path, "model", Held.MUSIC)
        weights = Weights(folder, official_recipes(shared.names()), dict.fromkeys(TABLES, shared))
    else:
        files = {
            part: TensorFiles(weight_files(folder.path / name, "diffusion_pytorch_model"))
            for name, part in DIFFUSERS_FOLDERS.items()
        }
        recipes = {part: diffusers_recipes(part, opened.names()) for part, opened in files.items()}
        weights = Weights(folder, recipes, files)
    for part, build in builders(folder.config).items():
        with torch.device("meta"):
            check_complete(build().state_dict(), weights.recipes[part], part)
    return weights


def builders(config: NetworkConfig) -> Mapping[CheckpointPart, Callable[[], nn.Module]]:
    """Builders for each network of a checkpoint."""
    return {
        CheckpointPart.DIT: lambda: Dit(config.dit),
        CheckpointPart.CONDITIONS: lambda: ConditionEncoder(config.conditions),
        CheckpointPart.TOKENIZER: lambda: AudioTokenizer(config.tokens),
        CheckpointPart.DETOKENIZER: lambda: AudioDetokenizer(config.tokens),
    }


def vae_config(place: Path) -> VaeConfig:
    """The config of the autoencoder in a folder or single file. Raises NotLoaded."""
    if place.is_file():
        return vae_from_fields(vae_fields(place), str(place))
    return vae_from_fields(read_fields(place / "config.json"), str(place / "config.json"))


def load_vae(place: Path, dtype: torch.dtype, device: torch.device | str) -> Vae:
    """The autoencoder in a folder or single file. Raises NotLoaded."""
    config = vae_config(place)
    files = network_files(place, "diffusion_pytorch_model", Held.VAE)
    return fill(
        lambda: Vae(config), vae_recipes(files.names(), config), files.read, CheckpointPart.VAE, dtype, device
    )
