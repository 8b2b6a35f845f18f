"""Sizes read from config files: the published ones, and errors that name the field."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.networks.network_config import PUBLISHED, config_from_fields, vae_from_fields
from model.acestep.networks.vae import VaeConfig
from model.acestep.weights.model_folders import read_fields
from model.errors import NotLoaded
from tests.model.acestep.tiny_models import TURBO
from tests.places import TINY

# As in the published config.json files; fields that no network depends on are left out.
FIELDS_2B: dict[str, Any] = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "sliding_window": 128,
    "use_sliding_window": True,
    "rope_theta": 1000000,
    "rms_norm_eps": 1e-6,
    "in_channels": 192,
    "audio_acoustic_hidden_dim": 64,
    "patch_size": 2,
    "pool_window_size": 5,
    "fsq_input_levels": [8, 8, 8, 5, 5, 5],
    "text_hidden_dim": 1024,
    "timbre_hidden_dim": 64,
    "num_lyric_encoder_hidden_layers": 8,
    "num_timbre_encoder_hidden_layers": 4,
    "num_attention_pooler_hidden_layers": 2,
}
FIELDS_XL = FIELDS_2B | {
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "layer_types": ["sliding_attention", "full_attention"] * 16,
    "encoder_hidden_size": 2048,
    "encoder_intermediate_size": 6144,
    "encoder_num_attention_heads": 16,
    "encoder_num_key_value_heads": 8,
}


@pytest.mark.parametrize(("fields", "size"), [(FIELDS_2B, "2B"), (FIELDS_XL, "XL")])
def test_published_configs(fields: dict[str, Any], size: str) -> None:
    config = config_from_fields(fields, "config.json")
    assert config == PUBLISHED[size]
    assert config.size == size


def test_the_tiny_config_is_not_a_published_one() -> None:
    assert config_from_fields(read_fields(TURBO / "config.json"), "tiny").size == "unpublished"


def test_without_a_list_every_other_layer_slides() -> None:
    fields = {name: value for name, value in FIELDS_2B.items() if name != "layer_types"}
    assert config_from_fields(fields, "config.json") == PUBLISHED["2B"]


def test_windows_can_be_switched_off() -> None:
    config = config_from_fields(FIELDS_2B | {"use_sliding_window": False}, "config.json")
    assert config.dit.sliding == (False,) * 24
    assert not any(config.conditions.lyric_sliding + config.conditions.timbre_sliding + config.tokens.sliding)


def test_one_list_is_for_every_stack() -> None:
    kinds = ["full_attention", "full_attention", "sliding_attention"] * 8
    config = config_from_fields(FIELDS_2B | {"layer_types": kinds}, "config.json")
    slides = tuple(kind == "sliding_attention" for kind in kinds)
    assert config.dit.sliding == slides
    assert config.conditions.lyric_sliding == slides[:8]
    assert config.conditions.timbre_sliding == slides[:4]
    assert config.tokens.sliding == slides[:2]


def test_empty_encoder_fields_count_as_absent() -> None:
    config = config_from_fields(FIELDS_2B | {"encoder_hidden_size": None}, "config.json")
    assert config == PUBLISHED["2B"]


def test_what_diffusers_writes_for_its_defaults_changes_nothing() -> None:
    written = {"fsq_input_levels": None, "layer_types": None, "encoder_hidden_size": 2048}
    assert config_from_fields(FIELDS_2B | written, "config.json") == PUBLISHED["2B"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"num_key_value_heads": 5},
            r"folder/config.json .* heads \(16\) must be a multiple of key_heads \(5\)",
        ),
        ({"layer_types": ["full_attention"]}, "layer_types lists 1 layers, but num_hidden_layers is 24"),
        (
            {"layer_types": ["full_attention"] * 3, "num_hidden_layers": 3},
            "layer_types lists 3 layers, but num_lyric_encoder_hidden_layers is 8",
        ),
        ({"in_channels": 64}, r"context_channels \(0\) must be twice"),
        ({"head_dim": "wide"}, "folder/config.json describes a network that cannot exist"),
        ({"fsq_input_levels": 6}, "folder/config.json describes a network that cannot exist"),
    ],
)
def test_impossible_fields(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(NotLoaded, match=complaint):
        config_from_fields(FIELDS_2B | change, "folder/config.json")


@pytest.mark.parametrize("field", ["head_dim", "hidden_size", "patch_size", "text_hidden_dim"])
def test_missing_fields_are_named(field: str) -> None:
    fields = {name: value for name, value in FIELDS_2B.items() if name != field}
    with pytest.raises(NotLoaded, match=f"The field '{field}' is missing in here"):
        config_from_fields(fields, "here")


def test_autoencoder() -> None:
    config = vae_from_fields(read_fields(TINY / "vae" / "config.json"), "tiny")
    assert config == VaeConfig(2, 16, 32, 16, (1, 2, 4), (2, 4, 6))
    with pytest.raises(NotLoaded, match="The field 'audio_channels' is missing in here"):
        vae_from_fields({}, "here")
    fields = dict(read_fields(TINY / "vae" / "config.json")) | {"downsampling_ratios": [2, 3, 4]}
    with pytest.raises(
        NotLoaded, match="here describes an autoencoder that cannot exist: strides must be even"
    ):
        vae_from_fields(fields, "here")
