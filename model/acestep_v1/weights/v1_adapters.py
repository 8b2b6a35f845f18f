"""Adapters (LoRA) for v1: files of the published application, of diffusers, and of programs that train for ComfyUI.

The published application ignores an adapter's alpha, so a file without one has the scale 1; a file that states its
alpha has that. An adapter may change the lyric encoder as well as the transformer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from model.acestep.weights.adapter_file import Adapter, Place, read_adapter
from model.acestep.weights.stored_names import LEAF_ROWS
from model.acestep_v1.weights.stored_parts import V1Part, V1Weights, networks

_PREFIX = re.compile(
    r"^(base_model\.model\.)?(diffusion_model\.|transformer\.(?=transformer_blocks|lyric|speaker))*"
)


def read_v1_adapter(path: Path, weights: V1Weights) -> Adapter:
    """The adapter in a file. Raises CannotRender that says what is wrong with it."""
    return read_adapter(path, adaptable_shapes(weights), v1_place)


def adaptable_shapes(weights: V1Weights) -> Mapping[str, torch.Size]:
    """Shapes of the parameters an adapter may change, by name; reads no weights."""
    built = networks(weights.sizes)
    return {
        name: value.shape
        for part in (V1Part.TRANSFORMER, V1Part.CONDITION)
        for name, value in built[part].state_dict().items()
    }


def v1_place(stored: str) -> Place | None:
    """(module, our name of its weight, role); None for a tensor that is no adapter's."""
    for pattern, leaf in LEAF_ROWS:
        found = re.search(pattern, stored)
        if found:
            module = _PREFIX.sub("", stored[: found.start()])
            return module, f"{module}.weight", leaf
    return None


@dataclass(frozen=True)
class AppliedV1Adapter:
    """An adapter and its strength."""

    adapter: Adapter
    strength: float
