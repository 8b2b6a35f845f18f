"""The stored reference numbers of ACE-Step v1, and the tiny checkpoint they were made with."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.places import GOLDEN

if TYPE_CHECKING:
    import torch

    from model.acestep_v1.networks.codec_network import Codec
    from model.acestep_v1.networks.condition_network import ConditionNetwork
    from model.acestep_v1.networks.transformer import SongTransformer
    from model.acestep_v1.networks.vocoder import Vocoder
    from model.acestep_v1.weights.stored_parts import V1Weights

V1_GOLDEN = GOLDEN / "acestep_v1"
TINY_V1 = V1_GOLDEN / "tiny" / "ACE-Step-v1-3.5B"
TINY_V1_LORA = V1_GOLDEN / "tiny" / "lora" / "pytorch_lora_weights.safetensors"


@cache
def tensors(name: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(V1_GOLDEN / f"{name}.safetensors")


def table(name: str) -> Any:
    return json.loads((V1_GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def worst(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest absolute difference; the shapes must agree."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return float((ours - theirs).abs().max())


@cache
def tiny_weights(folder: Path = TINY_V1) -> V1Weights:
    from model.acestep_v1.weights.stored_parts import open_v1
    from model.acestep_v1.weights.v1_folders import find_v1

    (checkpoint,) = find_v1(folder)
    return open_v1(checkpoint)


@cache
def tiny_transformer() -> SongTransformer:
    import torch

    return tiny_weights().load_transformer(torch.float32, "cpu")


@cache
def tiny_condition_network() -> ConditionNetwork:
    import torch

    return tiny_weights().load_condition(torch.float32, "cpu")


@cache
def tiny_codec() -> Codec:
    import torch

    return tiny_weights().load_codec(torch.float32, "cpu")


@cache
def tiny_vocoder() -> Vocoder:
    import torch

    return tiny_weights().load_vocoder(torch.float32, "cpu")
