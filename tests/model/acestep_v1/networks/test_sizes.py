"""The networks' sizes from configs and shapes: the published ones, and what a broken config leads to."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.networks.sizes import (
    LyricSizes,
    codec_sizes,
    condition_sizes,
    transformer_sizes,
    vocoder_sizes,
)
from model.errors import NotLoaded
from tests.model.acestep_v1.golden_v1 import table

KEYS = "ace_step_transformer/diffusion_pytorch_model.safetensors"


def published() -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in table("checkpoint_keys")[KEYS]["tensors"].items()}


def test_the_published_transformer():
    sizes = transformer_sizes(published(), {})
    assert (sizes.width, sizes.heads, sizes.layers, sizes.inner) == (2560, 20, 24, 6400)
    condition = condition_sizes(published())
    assert (condition.text_width, condition.speaker_width, condition.vocabulary) == (768, 512, 6693)
    assert condition.lyrics == LyricSizes(width=1024, heads=16, units=4096, layers=6)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"attention_head_dim": 0}, "attention_head_dim"),
        ({"attention_head_dim": 48}, "heads of 48"),
        ({"attention_head_dim": True}, "attention_head_dim"),
    ],
)
def test_a_broken_transformer_config_is_named(fields: dict[str, Any], word: str):
    with pytest.raises(NotLoaded, match=word):
        transformer_sizes(published(), fields)


def test_missing_tensors_are_named():
    with pytest.raises(NotLoaded, match="speaker_embedder"):
        condition_sizes({})


def test_broken_codec_and_vocoder_configs_are_named():
    with pytest.raises(NotLoaded, match="encoder_layers_per_block"):
        codec_sizes({"encoder_layers_per_block": "many"})
    with pytest.raises(NotLoaded, match="dims"):
        vocoder_sizes({"dims": [16, -1]})
    with pytest.raises(NotLoaded, match="dilations"):
        vocoder_sizes({"resblock_dilation_sizes": [[1]]})
