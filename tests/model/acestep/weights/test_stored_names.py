"""The names of published files, and what our networks call the same tensors."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
import torch

from model.acestep.networks.vae import VaeConfig
from model.acestep.weights.stored_names import (
    DIFFUSERS_FOLDERS,
    CheckpointPart,
    Leaf,
    Recipe,
    adapter_place,
    diffusers_recipes,
    fold_frequency,
    fold_gain,
    fold_weight_norm,
    official_recipes,
    our_name,
    some_of,
    split_official,
    vae_recipes,
)
from model.errors import NotLoaded
from tests.model.acestep.golden_data import table
from tests.model.acestep.stored_layouts import (
    PUBLISHED_SIZES,
)


@PUBLISHED_SIZES
def test_published_diffusers_keys_are_the_same_tensors(listed: str, size: str) -> None:
    keys = table("checkpoint_keys")[listed]["keys"]
    official = official_recipes(keys)
    for folder, part in DIFFUSERS_FOLDERS.items():
        there = {row[2]: key for key, row in keys.items() if row[1] == folder}
        ours = diffusers_recipes(
            part, [*there, *(["silence_latent"] if part is CheckpointPart.CONDITIONS else [])]
        )
        assert {name: there[recipe.sources[0]] for name, recipe in ours.items()} == {
            name: recipe.sources[0] for name, recipe in official[part].items()
        }


def test_half_a_weight_norm() -> None:
    with pytest.raises(NotLoaded, match=r"have decoder.conv1.weight_v without its other half"):
        vae_recipes(["decoder.conv1.weight_v"], VaeConfig())


@pytest.mark.parametrize(
    ("stored", "part", "ours"),
    [
        (
            "decoder.layers.3.cross_attn.q_proj.weight",
            CheckpointPart.DIT,
            "layers.3.cross_attention.query.weight",
        ),
        ("decoder.proj_in.1.bias", CheckpointPart.DIT, "patchify.bias"),
        ("detokenizer.proj_out.weight", CheckpointPart.DETOKENIZER, "latents_out.weight"),
        ("null_condition_emb", CheckpointPart.CONDITIONS, "no_condition"),
        ("encoder.lyric_encoder.norm.weight", CheckpointPart.CONDITIONS, "lyrics.stack.norm.weight"),
    ],
)
def test_official_names(stored: str, part: CheckpointPart, ours: str) -> None:
    split = split_official(stored)
    assert split is not None
    assert split[0] is part
    assert our_name(*split) == ours


def test_dropped_on_purpose() -> None:
    assert our_name(CheckpointPart.CONDITIONS, "silence_latent") is None


def test_two_names_for_one_tensor() -> None:
    names = ["layers.0.self_attn.to_q.weight", "layers.0.self_attn.q_proj.weight"]
    with pytest.raises(NotLoaded, match=r"to_q.weight and .*q_proj.weight both map to"):
        diffusers_recipes(CheckpointPart.DIT, names)


def test_a_recipe_takes_its_tensor_as_it_is() -> None:
    tensor = torch.zeros(1)
    assert Recipe(("a",)).make(tensor) is tensor


def test_a_weight_norm_gives_its_direction_its_length() -> None:
    direction = torch.tensor([[[3.0, 4.0]], [[0.0, 2.0]]])
    folded = fold_weight_norm(torch.tensor([10.0, 1.0]).reshape(2, 1, 1), direction)
    assert torch.allclose(folded, torch.tensor([[[6.0, 8.0]], [[0.0, 1.0]]]))


@pytest.mark.parametrize("shape", [(1, 2, 1), (2,)])
def test_snakes_are_stored_as_logarithms(shape: tuple[int, ...]) -> None:
    stored = torch.tensor([2.0, 4.0]).log().reshape(shape)
    assert torch.allclose(fold_frequency(stored), torch.tensor([[2.0], [4.0]]))
    assert torch.allclose(fold_gain(stored), torch.tensor([[0.5], [0.25]]))


QUERY = "layers.3.self_attention.query.weight"


@pytest.mark.parametrize(
    ("stored", "module", "ours", "leaf"),
    [
        (
            "base_model.model.layers.3.self_attn.q_proj.lora_A.weight",
            "layers.3.self_attn.q_proj",
            QUERY,
            Leaf.DOWN,
        ),
        (
            "diffusion_model.layers.3.self_attn.q_proj.lora_up.weight",
            "layers.3.self_attn.q_proj",
            QUERY,
            Leaf.UP,
        ),
        ("lycoris_layers_3_self_attn_q_proj.lokr_w1", "layers.3.self_attn.q_proj", QUERY, Leaf.COARSE),
        (
            "lycoris_layers_3_mlp_up_proj.lokr_w2_b",
            "layers.3.mlp.up_proj",
            "layers.3.mlp.up.weight",
            Leaf.FINE_DOWN,
        ),
        ("lycoris_proj_in_1.alpha", "proj_in.1", "patchify.weight", Leaf.ALPHA),
    ],
)
def test_the_place_of_an_adapters_tensor(stored: str, module: str, ours: str, leaf: Leaf) -> None:
    assert adapter_place(stored) == (module, ours, leaf)


def test_a_tensor_of_no_adapter_has_no_place() -> None:
    assert adapter_place("layers.3.self_attn.q_proj.weight") is None


def test_only_the_first_names_are_shown() -> None:
    assert some_of(["a", "b"]) == "a, b"
    assert some_of([f"a{number}" for number in range(8)]) == "a0, a1, a2, a3, a4 and 3 more"
