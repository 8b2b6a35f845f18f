"""Weights in every layout: the published list of tensors, the tiny folder, a single file, and what is not whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import load_file, save_file

from model.acestep_v1.networks.sizes import (
    MusicSizes,
    codec_sizes,
    condition_sizes,
    transformer_sizes,
    vocoder_sizes,
)
from model.acestep_v1.weights.published_v1 import CODEC, PARTS, TRANSFORMER, V1_MODELS, VOCODER, WEIGHTS
from model.acestep_v1.weights.stored_parts import (
    FILTERBANK,
    WINDOW,
    V1Part,
    joined,
    joined_recipes,
    networks,
    open_v1,
    part_recipes,
    unused,
)
from model.acestep_v1.weights.v1_folders import SENTENCE_PIECES, SINGLE_PREFIXES, find_v1
from model.errors import NotLoaded
from tests.model.acestep_v1.golden_v1 import TINY_V1, table, tiny_weights

KEYS = table("checkpoint_keys")
FILE_OF = {
    V1Part.TRANSFORMER: TRANSFORMER,
    V1Part.CONDITION: TRANSFORMER,
    V1Part.CODEC: CODEC,
    V1Part.VOCODER: VOCODER,
}


def published(part: str) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in KEYS[f"{part}/{WEIGHTS}"]["tensors"].items()}


def test_every_published_tensor_has_its_place_and_shape():
    """Nothing missing, nothing left over: on the meta device, without memory."""
    shapes = published(TRANSFORMER)
    sizes = MusicSizes(
        transformer_sizes(shapes, {}), condition_sizes(shapes), codec_sizes({}), vocoder_sizes({})
    )
    for part, network in networks(sizes).items():
        stored = published(FILE_OF[part])
        recipes = part_recipes(part, list(stored))
        wanted = network.state_dict()
        assert set(recipes) == set(wanted), part
        for name, recipe in recipes.items():
            with torch.device("meta"):
                made = recipe.make(*(torch.empty(stored[source]) for source in recipe.sources))
            assert made.shape == wanted[name].shape, name
    assert {WINDOW, FILTERBANK} <= set(published(VOCODER))


def test_204_tensors_are_never_read():
    names = list(published(TRANSFORMER))
    skipped = {name for name in names if unused(name)}
    assert len(skipped) == KEYS["unused_at_inference"]["tensors"] == 204
    sizes = published(TRANSFORMER)
    numbers = sum(torch.Size(sizes[name]).numel() for name in skipped)
    assert numbers == KEYS["unused_at_inference"]["parameters"]
    read = {name for part in (V1Part.TRANSFORMER, V1Part.CONDITION) for name in part_recipes(part, names)}
    assert read | skipped == set(names)


def test_the_catalogue_has_the_sizes_of_the_published_files():
    """Header lengths are not known to the byte; the tensors are."""
    width = {"BF16": 2, "F32": 4}
    for entry, part in zip(V1_MODELS, PARTS, strict=False):
        key = next(name for name in KEYS if name.startswith(f"{part}/"))
        stored = sum(
            width[KEYS[key]["dtype"]] * torch.Size(shape).numel() for shape in KEYS[key]["tensors"].values()
        )
        (size,) = (file.size for file in entry.files if file.name.endswith(".safetensors"))
        assert size is not None
        assert 0 < size - stored < 200_000


def test_a_damaged_folder_is_explained(tmp_path: Path):
    folder = tmp_path / "ACE-Step-v1-3.5B"
    shutil.copytree(TINY_V1, folder)
    file = folder / VOCODER / WEIGHTS
    tensors = load_file(file)
    lost = "head.conv_post.bias"
    save_file({name: value for name, value in tensors.items() if name != lost}, file)
    with pytest.raises(NotLoaded, match=lost):
        open_v1(find_v1(folder)[0])
    file.write_bytes(b"nothing")
    with pytest.raises(NotLoaded, match="not a complete safetensors file"):
        open_v1(find_v1(folder)[0])


def single_file(folder: Path, published_text_sizes: bool = False) -> Path:
    """The tiny checkpoint as ComfyUI has it: one file."""
    stored: dict[str, torch.Tensor] = {SENTENCE_PIECES: torch.zeros(4, dtype=torch.uint8)}
    for part, prefix in SINGLE_PREFIXES.items():
        (file,) = (TINY_V1 / part).glob("*.safetensors")
        stored |= {prefix + name: value for name, value in load_file(file).items()}
    path = folder / "ace_step_v1_3.5b.safetensors"
    save_file(stored, path)
    return path


def test_a_single_file_has_the_same_transformer(tmp_path: Path):
    (found,) = find_v1(single_file(tmp_path).parent)
    assert found.single
    assert not found.missing
    with pytest.raises(
        NotLoaded
    ):  # the tiny vocoder does not have the published sizes, which a single file implies
        open_v1(found)
    files: Any = tiny_weights().files[TRANSFORMER]
    from model.acestep_v1.weights.stored_parts import _files

    inside = _files(found, TRANSFORMER)
    assert set(inside.names()) == set(files.names())
    assert torch.equal(inside.read("lyric_embs.weight"), files.read("lyric_embs.weight"))


def test_convolutions_are_joined_from_direction_and_length():
    direction, length = torch.randn(3, 2, 5), torch.rand(3, 1, 1)
    whole = joined(direction, length)
    assert torch.allclose(whole.flatten(1).norm(dim=1), length.flatten())
    for names in (
        ("x.weight_v", "x.weight_g"),
        tuple(f"x.parametrizations.weight.original{n}" for n in (1, 0)),
    ):
        assert joined_recipes(list(names))["x.weight"].sources == names
    assert set(joined_recipes(["x.weight_g"])) == {"x.weight_g"}
