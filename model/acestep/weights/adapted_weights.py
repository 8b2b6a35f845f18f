"""A checkpoint with an adapter laid over its transformer.

The change is made while the weights come from their files, in float32 and before they are rounded or packed. Nothing
is ever changed in place: without the adapter the same files give the same bits again.
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
    """An adapter and how much of it: 0 = none, 1 = all."""

    adapter: Adapter
    strength: float


def dit_shapes(weights: Weights) -> Mapping[str, torch.Size]:
    """The shapes of the transformer's parameters by name; no weights are read."""
    with torch.device("meta"):
        return {name: value.shape for name, value in Dit(weights.folder.config.dit).state_dict().items()}


def adapted(weights: Weights, laid: AppliedAdapter | None) -> Weights:
    """The same checkpoint, whose transformer loads with the adapter's change in it."""
    if laid is None or laid.strength == 0:
        return weights
    before = weights.recipes[CheckpointPart.DIT]
    changed = {
        name: _changed(before[name], change, laid.strength) for name, change in laid.adapter.changes.items()
    }
    return replace(weights, recipes={**weights.recipes, CheckpointPart.DIT: {**before, **changed}})


def _changed(recipe: Recipe, change: Change, strength: float) -> Recipe:
    def make(*stored: Tensor) -> Tensor:
        return change.applied(recipe.make(*stored), strength)

    return Recipe(recipe.sources, make)
