"""Applies an adapter to a checkpoint's transformer.

The change is applied while loading, in float32, before weights are rounded or packed. Nothing is changed in place:
without the adapter the same files give the same bits again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.acestep.networks.dit import Dit
from model.acestep.weights.adapter_file import Adapter, Change
from model.acestep.weights.checkpoint import Weights
from model.acestep.weights.stored_names import CheckpointPart, Recipe


@dataclass(frozen=True)
class AppliedAdapter:
    """An adapter and its strength, 0..1."""

    adapter: Adapter
    strength: float


def dit_shapes(weights: Weights) -> Mapping[str, torch.Size]:
    """Shapes of the transformer's parameters by name; reads no weights."""
    with torch.device("meta"):
        return {name: value.shape for name, value in Dit(weights.folder.config.dit).state_dict().items()}


def adapted(weights: Weights, applied: AppliedAdapter | None) -> Weights:
    """The same checkpoint, with the adapter applied when its transformer loads."""
    if applied is None or applied.strength == 0:
        return weights
    before = weights.recipes[CheckpointPart.DIT]
    changed = {
        name: _changed(before[name], change, applied.strength)
        for name, change in applied.adapter.changes.items()
    }
    return replace(weights, recipes={**weights.recipes, CheckpointPart.DIT: {**before, **changed}})


def _changed(recipe: Recipe, change: Change, strength: float) -> Recipe:
    def make(*stored: Tensor) -> Tensor:
        return change.applied(recipe.make(*stored), strength)

    return Recipe(recipe.sources, make)
