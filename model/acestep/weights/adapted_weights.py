"""Applies adapters to a checkpoint's transformer: any number at once, each with a strength of its own.

Changes are computed in float32 from the unchanged weights of the file, before weights are rounded or packed. Nothing is
changed in place: without the adapters the same files give the same bits again, and the order of adapters is no matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.acestep.networks.dit import Dit
from model.acestep.weights.adapter_file import Adapter, Change
from model.acestep.weights.checkpoint import Weights, refill
from model.acestep.weights.int8_linear import int8_recipes
from model.acestep.weights.stored_names import CheckpointPart, Recipe


@dataclass(frozen=True)
class AppliedAdapter:
    """An adapter and its strength: 0 changes nothing, 1 is the full change, below 0 it is taken away."""

    adapter: Adapter
    strength: float


AppliedAdapters = tuple[AppliedAdapter, ...]


def dit_shapes(weights: Weights) -> Mapping[str, torch.Size]:
    """Shapes of the transformer's parameters by name; reads no weights."""
    with torch.device("meta"):
        return {name: value.shape for name, value in Dit(weights.folder.config.dit).state_dict().items()}


def adapted(weights: Weights, applied: AppliedAdapters) -> Weights:
    """The same checkpoint, with the adapters applied when its transformer loads."""
    changes: dict[str, list[tuple[Change, float]]] = defaultdict(list)
    for each in sorted(applied, key=lambda one: one.adapter.digest):  # sums of floats depend on their order
        if each.strength:
            for name, change in each.adapter.changes.items():
                changes[name].append((change, each.strength))
    before = weights.recipes[CheckpointPart.DIT]
    changed = {name: _changed(before[name], found) for name, found in changes.items()}
    return replace(weights, recipes={**weights.recipes, CheckpointPart.DIT: {**before, **changed}})


def switch(network: Dit, before: Weights, after: Weights, dtype: torch.dtype, int8: bool) -> None:
    """Turns a loaded transformer with the adapters of `before` into one with those of `after`.

    Only the tensors that either changes are read again; the result is that of loading it anew, bit for bit.
    """
    old, new = before.recipes[CheckpointPart.DIT], after.recipes[CheckpointPart.DIT]
    names = {name for name in new if new[name] is not old[name]}
    device = network.patchify.weight.device
    recipes: Mapping[str, Recipe] = new
    if int8:
        recipes = int8_recipes(after, device)
        names |= {f"{name.removesuffix('.weight')}.scale" for name in names} & recipes.keys()
    chosen = {name: recipe for name, recipe in recipes.items() if name in names}  # in their order
    refill(network, chosen, after.files[CheckpointPart.DIT].read, CheckpointPart.DIT, dtype, device)


def _changed(recipe: Recipe, changes: list[tuple[Change, float]]) -> Recipe:
    def make(*stored: Tensor) -> Tensor:
        weight = recipe.make(*stored)
        if len(changes) == 1:
            ((change, strength),) = changes
            return change.applied(weight, strength)
        total = weight.float()
        for change, strength in changes:
            added = change.difference(weight)
            if added is not None:
                total = torch.add(total, added.to(total), alpha=strength)
        return total

    return Recipe(recipe.sources, make)
