"""The networks of a checkpoint, read from its files: strictly, part by part, memory-mapped.

Our networks have the published names, so there is little to translate: 204 tensors that never influence the result are
not read, and the vocoder's convolutions, stored as direction and length, are joined in float32.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from model.acestep.weights.adapter_file import Adapter
from model.acestep.weights.checkpoint import check_complete, fill
from model.acestep.weights.model_folders import read_fields
from model.acestep.weights.stored_names import Recipe
from model.acestep.weights.tensor_files import TensorFiles, weight_files
from model.acestep_v1.networks.codec_network import Codec
from model.acestep_v1.networks.condition_network import ConditionNetwork
from model.acestep_v1.networks.mel import MelPicture
from model.acestep_v1.networks.sizes import (
    MusicSizes,
    Shapes,
    codec_sizes,
    condition_sizes,
    transformer_sizes,
    vocoder_sizes,
)
from model.acestep_v1.networks.transformer import SongTransformer
from model.acestep_v1.networks.vocoder import Vocoder
from model.acestep_v1.weights.published_v1 import CODEC, TRANSFORMER, VOCODER
from model.acestep_v1.weights.v1_folders import V1Checkpoint
from model.weight_header import read_header

Network = TypeVar("Network", bound=nn.Module)

CONDITION_NAMES = ("speaker_embedder.", "genre_embedder.", "lyric_embs.", "lyric_encoder.", "lyric_proj.")
UNUSED_NAMES = ("projectors.",)
UNUSED_IN_BLOCKS = ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
MEL_NAMES = ("mel_transform.",)
WINDOW, FILTERBANK = "mel_transform.spectrogram.window", "mel_transform.mel_scale.fb"
_DIRECTION = ("weight_v", "parametrizations.weight.original1")
_LENGTH = ("weight_g", "parametrizations.weight.original0")


class V1Part(enum.Enum):
    """The networks, by their names in messages."""

    TRANSFORMER = "transformer"
    CONDITION = "lyric encoder"
    CODEC = "autoencoder"
    VOCODER = "vocoder"


def unused(name: str) -> bool:
    """Whether a tensor of the transformer's file never influences the result."""
    return name.startswith(UNUSED_NAMES) or any(f".{part}." in name for part in UNUSED_IN_BLOCKS)


def part_recipes(part: V1Part, names: list[str]) -> dict[str, Recipe]:
    """How each parameter of a network is made from the tensors of its file."""
    if part is V1Part.VOCODER:
        return joined_recipes([name for name in names if not name.startswith(MEL_NAMES)])
    if part is V1Part.CODEC:
        return {name: Recipe((name,)) for name in names}
    wanted = (name for name in names if not unused(name))
    own = part is V1Part.CONDITION
    return {name: Recipe((name,)) for name in wanted if name.startswith(CONDITION_NAMES) is own}


def joined_recipes(names: list[str]) -> dict[str, Recipe]:
    """The same for a network whose convolutions are stored as direction and length."""
    lengths = {_base(name, _LENGTH): name for name in names if name.endswith(_LENGTH)}
    recipes = {}
    for name in names:
        if name.endswith(_DIRECTION):
            base = _base(name, _DIRECTION)
            sources = (name, lengths.pop(base)) if base in lengths else (name,)
            recipes[f"{base}weight"] = Recipe(sources, joined)
        elif not name.endswith(_LENGTH):
            recipes[name] = Recipe((name,))
    return recipes | {name: Recipe((name,)) for name in lengths.values()}  # without a direction: left over


def _base(name: str, endings: tuple[str, ...]) -> str:
    return name.removesuffix(next(ending for ending in endings if name.endswith(ending)))


def joined(direction: Tensor, length: Tensor | None = None) -> Tensor:
    """length direction / |direction|, over all axes but the first."""
    if length is None:
        return direction
    wide = direction.float()
    norm = torch.linalg.vector_norm(wide.flatten(1), dim=1).reshape(-1, *[1] * (wide.ndim - 1))
    whole: Tensor = wide * (length.float() / norm)
    return whole


@dataclass(frozen=True)
class V1Weights:
    """An open checkpoint. files: by folder name. recipes: of each network, complete."""

    checkpoint: V1Checkpoint
    sizes: MusicSizes
    files: Mapping[str, TensorFiles]
    recipes: Mapping[V1Part, Mapping[str, Recipe]]

    def load_transformer(self, dtype: torch.dtype, device: torch.device | str) -> SongTransformer:
        return self._fill(V1Part.TRANSFORMER, lambda: SongTransformer(self.sizes.transformer), dtype, device)

    def load_condition(self, dtype: torch.dtype, device: torch.device | str) -> ConditionNetwork:
        return self._fill(V1Part.CONDITION, lambda: ConditionNetwork(self.sizes.condition), dtype, device)

    def load_codec(self, dtype: torch.dtype, device: torch.device | str) -> Codec:
        return self._fill(V1Part.CODEC, lambda: Codec(self.sizes.codec), dtype, device)

    def load_vocoder(self, dtype: torch.dtype, device: torch.device | str) -> Vocoder:
        return self._fill(V1Part.VOCODER, lambda: Vocoder(self.sizes.vocoder), dtype, device)

    def mel(self) -> MelPicture:
        """The stored tables; on the CPU, where pictures are made."""
        files = self.files[VOCODER]
        return MelPicture(files.read(WINDOW), files.read(FILTERBANK))

    def _fill(
        self, part: V1Part, build: Callable[[], Network], dtype: torch.dtype, device: torch.device | str
    ) -> Network:
        files = self.files[_FILE_OF[part]]
        return fill(build, self.recipes[part], files.read, part, dtype, device)

    @cached_property
    def paths(self) -> frozenset[Path]:
        """Every file of weights but the text encoder's."""
        return frozenset(path for files in self.files.values() for path in files.paths)


_FILE_OF = {
    V1Part.TRANSFORMER: TRANSFORMER,
    V1Part.CONDITION: TRANSFORMER,
    V1Part.CODEC: CODEC,
    V1Part.VOCODER: VOCODER,
}


def open_v1(checkpoint: V1Checkpoint) -> V1Weights:
    """Opens a checkpoint without reading its weights.

    Raises NotLoaded if a file is missing or damaged, or a network has missing or surplus tensors.
    """
    files = {part: _files(checkpoint, part) for part in (TRANSFORMER, CODEC, VOCODER)}
    sizes = music_sizes(checkpoint)
    recipes = {part: part_recipes(part, files[_FILE_OF[part]].names()) for part in V1Part}
    for part, network in networks(sizes).items():
        check_complete(network.state_dict(), recipes[part], part)
        if part is V1Part.VOCODER:
            check_complete((WINDOW, FILTERBANK), _tables(files[VOCODER].names()), part)
    return V1Weights(checkpoint, sizes, files, recipes)


def adapted_v1(weights: V1Weights, adapter: Adapter | None, strength: float) -> V1Weights:
    """The same checkpoint with an adapter applied, in float32, when its networks load."""
    if adapter is None or strength == 0:
        return weights
    changed = {}
    for part in (V1Part.TRANSFORMER, V1Part.CONDITION):
        before = weights.recipes[part]
        changed[part] = {name: _changed(before[name], adapter, name, strength) for name in before}
    return replace(weights, recipes={**weights.recipes, **changed})


def _changed(recipe: Recipe, adapter: Adapter, name: str, strength: float) -> Recipe:
    change = adapter.changes.get(name)
    if change is None:
        return recipe

    def make(*stored: Tensor) -> Tensor:
        return change.applied(recipe.make(*stored), strength)

    return Recipe(recipe.sources, make)


def music_sizes(checkpoint: V1Checkpoint) -> MusicSizes:
    """The networks' sizes, from configs and headers. Raises NotLoaded."""
    shapes = _shapes(checkpoint)
    return MusicSizes(
        transformer_sizes(shapes, _fields(checkpoint, TRANSFORMER)),
        condition_sizes(shapes),
        codec_sizes(_fields(checkpoint, CODEC)),
        vocoder_sizes(_fields(checkpoint, VOCODER)),
    )


def networks(sizes: MusicSizes) -> Mapping[V1Part, nn.Module]:
    """Every network, on the meta device: without memory."""
    with torch.device("meta"):
        return {
            V1Part.TRANSFORMER: SongTransformer(sizes.transformer),
            V1Part.CONDITION: ConditionNetwork(sizes.condition),
            V1Part.CODEC: Codec(sizes.codec),
            V1Part.VOCODER: Vocoder(sizes.vocoder),
        }


def _tables(names: list[str]) -> dict[str, Recipe]:
    return {name: Recipe((name,)) for name in names if name.startswith(MEL_NAMES)}


def _fields(checkpoint: V1Checkpoint, part: str) -> Mapping[str, Any]:
    """A part's config; empty in a single file, which has the published sizes."""
    return {} if checkpoint.single else read_fields(checkpoint.place(part) / "config.json")


def _files(checkpoint: V1Checkpoint, part: str) -> TensorFiles:
    return TensorFiles(
        weight_files(checkpoint.place(part), "diffusion_pytorch_model"), checkpoint.prefix(part)
    )


def _shapes(checkpoint: V1Checkpoint) -> Shapes:
    prefix = checkpoint.prefix(TRANSFORMER)
    return {
        name.removeprefix(prefix): tuple(entry["shape"])
        for file in weight_files(checkpoint.place(TRANSFORMER), "diffusion_pytorch_model")
        for name, entry in read_header(file).items()
        if name.startswith(prefix)
    }
