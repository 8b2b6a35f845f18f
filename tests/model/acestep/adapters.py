"""Adapter files of every family for the tiny checkpoint, and how one is read for it."""

from __future__ import annotations

from pathlib import Path

from model.acestep.weights.adapted_weights import dit_shapes
from model.acestep.weights.adapter_file import Adapter, read_adapter
from model.acestep.weights.checkpoint import Weights
from tests.places import TINY, TINY_LORA

ADAPTERS = TINY / "adapters"
PEFT = ADAPTERS / "lora_peft" / "adapter" / "adapter_model.safetensors"
SINGLE = TINY_LORA
OTHER = ADAPTERS / "tiny_adapter_b" / "adapter_model.safetensors"
LOKR = "lokr_weights.safetensors"


def read(path: Path, weights: Weights) -> Adapter:
    return read_adapter(path, dit_shapes(weights))
