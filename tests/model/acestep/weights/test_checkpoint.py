"""Loading: the published key lists fit exactly, both layouts give the same networks, broken files are named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model.acestep.latent_grid import MAX_FRAMES
from model.acestep.networks.network_config import PUBLISHED
from model.acestep.networks.vae import Vae, VaeConfig
from model.acestep.weights.checkpoint import Weights, builders, check_complete, fill, load_vae, open_weights
from model.acestep.weights.int8_linear import load_int8_dit
from model.acestep.weights.model_folders import recognise
from model.acestep.weights.stored_names import (
    CheckpointPart,
    official_recipes,
    vae_recipes,
)
from model.errors import NotLoaded
from tests.model.acestep.golden_data import table, tensors, worst
from tests.model.acestep.stored_layouts import (
    PUBLISHED_SIZES,
    copy_official,
    official_tensors,
    write_diffusers,
)
from tests.model.acestep.tiny_models import TURBO, XL, networks, silence, vae
from tests.places import TINY

PARAMETERS = {  # as published, by part
    "2B": (1_575_458_880, 608_367_616 + 2048, 105_032_198, 105_011_776),
    "XL": (4_168_897_088, 608_367_616 + 2048, 105_032_198, 105_011_776),
}


def on_meta(shapes: dict[str, list[int]]) -> Callable[[str], Tensor]:
    return lambda key: torch.empty(shapes[key], device="meta")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# --- the published files ---


@PUBLISHED_SIZES
def test_published_official_keys_fit(listed: str, size: str) -> None:
    rows = table("checkpoint_keys")[listed]
    read = on_meta({key: row[0] for key, row in rows["keys"].items()})
    recipes = official_recipes(rows["keys"])
    assert sum(map(len, recipes.values())) == rows["tensors"]
    filled = [
        fill(build, recipes[part], read, part, torch.bfloat16, "meta")
        for part, build in builders(PUBLISHED[size]).items()
    ]
    assert tuple(map(parameters, filled)) == PARAMETERS[size]
    assert sum(map(parameters, filled)) == rows["parameters"]


def test_published_autoencoder_keys_fit() -> None:
    rows, config = table("checkpoint_keys")["vae"], VaeConfig()
    shapes = {key: row[0] for key, row in rows["keys"].items()}
    recipes = vae_recipes(shapes, config)
    sources = [key for recipe in recipes.values() for key in recipe.sources]
    assert sorted(sources) == sorted(shapes)
    assert len(sources) == rows["tensors"] == 365
    network = fill(lambda: Vae(config), recipes, on_meta(shapes), CheckpointPart.VAE, torch.float32, "meta")
    # Folding drops the separate lengths of the weight norms.
    lengths = sum(torch.Size(shape).numel() for key, shape in shapes.items() if key.endswith("weight_g"))
    assert parameters(network) == rows["parameters"] - lengths == 168_695_426 - lengths


# --- the tiny files ---


def test_the_same_network_from_both_layouts(tmp_path: Path) -> None:
    for source in (TURBO, XL):
        folder = recognise(write_diffusers(source, tmp_path / source.name, silence()))
        opened, expected = open_weights(folder), networks(source)
        for ours, theirs in (
            (opened.load_dit(torch.float32, "cpu"), expected.dit),
            (opened.load_condition_encoder(torch.float32, "cpu"), expected.conditions),
            (opened.load_tokenizer(torch.float32, "cpu"), expected.tokenizer),
            (opened.load_detokenizer(torch.float32, "cpu"), expected.detokenizer),
        ):
            mine, other = ours.state_dict(), theirs.state_dict()
            assert mine.keys() == other.keys()
            assert all(torch.equal(mine[name], other[name]) for name in mine)
        quiet = opened.silence()
        assert quiet is not None
        assert quiet.shape[1] >= MAX_FRAMES, "silence for the longest window"
        assert torch.equal(quiet[:, :800], silence())
        assert torch.equal(quiet[:, 800:1600], silence())


def test_silence_is_turned_to_time_first() -> None:
    stored = torch.load(TURBO / "silence_latent.pt", weights_only=True)
    assert stored.shape == (1, 64, 800)
    assert torch.equal(silence()[0, :, 3], stored[0, 3])


def test_wanted_dtype_and_no_gradients() -> None:
    dit = open_weights(recognise(XL)).load_dit(torch.bfloat16, "cpu")
    assert {parameter.dtype for parameter in dit.parameters()} == {torch.bfloat16}
    assert not any(parameter.requires_grad for parameter in dit.parameters())
    assert not dit.training


def test_the_mapped_file_is_not_copied() -> None:
    opened = open_weights(recognise(TURBO))
    seen: list[Tensor] = []

    def read(key: str) -> Tensor:
        seen.append(opened.files[CheckpointPart.DIT].read(key))
        return seen[-1]

    build, recipes = builders(opened.folder.config)[CheckpointPart.DIT], opened.recipes[CheckpointPart.DIT]
    dit = fill(build, recipes, read, CheckpointPart.DIT, torch.bfloat16, "cpu")
    places = {tensor.data_ptr() for tensor in seen}
    assert {parameter.data_ptr() for parameter in dit.parameters()} == places


def test_newer_weight_norm_names(tmp_path: Path) -> None:
    stored = load_file(TINY / "vae" / "diffusion_pytorch_model.safetensors")
    renamed = {
        key.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): value
        for key, value in stored.items()
    }
    save_file(renamed, tmp_path / "diffusion_pytorch_model.safetensors")
    (tmp_path / "config.json").write_text((TINY / "vae" / "config.json").read_text())
    latents = tensors("vae")["dec.latents"]
    ours = load_vae(tmp_path, torch.float32, "cpu").decode(latents)
    assert worst(ours, vae().decode(latents)) == 0


# --- names ---


# --- broken checkpoints ---


def opened_with(tmp_path: Path, change: Callable[[dict[str, Tensor]], None]) -> Weights:
    stored = official_tensors(TURBO)
    change(stored)
    return open_weights(recognise(copy_official(TURBO, tmp_path / "acestep-v15-turbo", stored)))


def test_missing_tensors_are_named(tmp_path: Path) -> None:
    def drop(stored: dict[str, Tensor]) -> None:
        del stored["decoder.layers.2.mlp.up_proj.weight"]

    with pytest.raises(NotLoaded, match=r"transformer's weights are missing layers.2.mlp.up.weight\."):
        opened_with(tmp_path, drop)


def test_many_missing_tensors_are_counted() -> None:
    with pytest.raises(NotLoaded, match=r"missing a0, a1, a2, a3, a4 and 3 more\."):
        check_complete([f"a{index}" for index in range(8)], {}, CheckpointPart.DIT)


def test_surplus_tensors_are_named(tmp_path: Path) -> None:
    def add(stored: dict[str, Tensor]) -> None:
        stored["decoder.layers.9.mlp.up_proj.weight"] = torch.zeros(1)

    with pytest.raises(
        NotLoaded, match=r"weights do not belong to the transformer: decoder.layers.9.mlp.up_proj.weight\."
    ):
        opened_with(tmp_path, add)


def test_tensors_of_no_network_are_named(tmp_path: Path) -> None:
    def add(stored: dict[str, Tensor]) -> None:
        stored["vocoder.weight"] = torch.zeros(1)

    with pytest.raises(NotLoaded, match=r"tensors of unknown networks: vocoder.weight\."):
        opened_with(tmp_path, add)


def test_misshapen_tensors_are_named(tmp_path: Path) -> None:
    def reshape(stored: dict[str, Tensor]) -> None:
        stored["decoder.norm_out.weight"] = torch.zeros(65)

    opened = opened_with(tmp_path, reshape)
    with pytest.raises(
        NotLoaded, match=r"decoder.norm_out.weight gives .* norm.weight the shape \[65\], .* \[64\]"
    ):
        opened.load_dit(torch.float32, "cpu")


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool])
def test_numbers_of_another_kind_are_named(tmp_path: Path, dtype: torch.dtype) -> None:
    def quantise(stored: dict[str, Tensor]) -> None:
        stored["decoder.layers.0.mlp.up_proj.weight"] = stored["decoder.layers.0.mlp.up_proj.weight"].to(
            dtype
        )

    opened = opened_with(tmp_path, quantise)
    for load in (opened.load_dit, partial(load_int8_dit, opened)):
        with pytest.raises(
            NotLoaded, match=r"layers.0.mlp.up_proj.weight has the dtype torch.\w+, .* needs torch.float32"
        ):
            load(torch.float32, "cpu")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.float32])
def test_floating_numbers_of_any_width_are_converted(tmp_path: Path, dtype: torch.dtype) -> None:
    def widen(stored: dict[str, Tensor]) -> None:
        stored.update({name: value.to(dtype) for name, value in stored.items()})

    dit = opened_with(tmp_path, widen).load_dit(torch.bfloat16, "cpu")
    assert {weight.dtype for weight in dit.state_dict().values()} == {torch.bfloat16}
