"""Checks that the tensors in v1's files are those of its networks, by name and shape; reads headers only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from model.acestep.weights.checkpoint import check_complete
from model.acestep.weights.model_folders import read_fields
from model.acestep.weights.stored_names import Recipe
from model.acestep.weights.tensor_files import weight_files
from model.acestep_v1.conditioning.prompt_encoder import (
    PromptEncoder,
    load_prompt_network,
    load_prompt_tokenizer,
)
from model.acestep_v1.networks.codec_network import Codec
from model.acestep_v1.networks.condition_network import ConditionNetwork
from model.acestep_v1.networks.sizes import codec_sizes, condition_sizes, transformer_sizes, vocoder_sizes
from model.acestep_v1.networks.transformer import SongTransformer
from model.acestep_v1.networks.vocoder import Vocoder
from model.acestep_v1.weights.published_v1 import CODEC, TEXT_ENCODER, TRANSFORMER, VOCODER
from model.acestep_v1.weights.stored_parts import V1Part, part_recipes
from model.acestep_v1.weights.v1_folders import SINGLE_PREFIXES, V1Checkpoint
from model.errors import NotLoaded
from model.weight_header import read_header

Shapes = Mapping[str, tuple[int, ...]]


def check_v1(place: Path) -> str:
    """The mismatch in one part's folder, or in a single file; "" if there is none."""
    try:
        if place.is_file():
            for part, prefix in SINGLE_PREFIXES.items():
                _check(part, _shapes([place], prefix), {})
            load_prompt_network(V1Checkpoint(place, place.stem), torch.float32, "meta")
        elif place.name == TEXT_ENCODER:
            checkpoint = V1Checkpoint(place.parent, place.parent.name)
            network = load_prompt_network(checkpoint, torch.float32, "meta")
            PromptEncoder(network, load_prompt_tokenizer(checkpoint))
        else:
            _check(
                place.name,
                _shapes(weight_files(place, "diffusion_pytorch_model")),
                read_fields(place / "config.json"),
            )
    except NotLoaded as broken:
        return str(broken)
    return ""


def _check(part: str, shapes: Shapes, fields: Mapping[str, object]) -> None:
    """Raises NotLoaded for tensors that are missing, left over or of another shape."""
    with torch.device("meta"):
        if part == TRANSFORMER:
            _compare(SongTransformer(transformer_sizes(shapes, fields)), V1Part.TRANSFORMER, shapes)
            _compare(ConditionNetwork(condition_sizes(shapes)), V1Part.CONDITION, shapes)
        elif part == CODEC:
            _compare(Codec(codec_sizes(fields)), V1Part.CODEC, shapes)
        elif part == VOCODER:
            _compare(Vocoder(vocoder_sizes(fields)), V1Part.VOCODER, shapes)


def _compare(network: torch.nn.Module, part: V1Part, shapes: Shapes) -> None:
    recipes = part_recipes(part, list(shapes))
    wanted = network.state_dict()
    check_complete(wanted, recipes, part)
    for name, recipe in recipes.items():
        if _made(recipe, shapes) != wanted[name].shape:
            raise NotLoaded(
                f"{recipe.sources[0]} gives the {part.value}'s {name} the shape {list(_made(recipe, shapes))}, "
                f"but the config needs {list(wanted[name].shape)}.",
                "The weights and config.json belong to different models: download the model again.",
            )


def _made(recipe: Recipe, shapes: Shapes) -> torch.Size:
    with torch.device("meta"):
        return recipe.make(*(torch.empty(shapes[source]) for source in recipe.sources)).shape


def _shapes(files: Iterable[Path], prefix: str = "") -> Shapes:
    return {
        name.removeprefix(prefix): tuple(entry["shape"])
        for file in files
        for name, entry in read_header(file).items()
        if name.startswith(prefix)
    }
