"""The transformer's linear layers in 8 bits: half the memory of bfloat16, if nothing else fits the device.

Weights only: each row becomes integers up to 127 and one scale. A layer's weight is unpacked to the activations' dtype
while it runs, one layer at a time. The result is close to the original network's, but not equal.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.acestep.networks.dit import Dit
from model.acestep.weights.checkpoint import Weights, fill
from model.acestep.weights.stored_names import CheckpointPart, Recipe

_MAX_INT8 = 127


class Int8Linear(nn.Module):
    """Replaces an nn.Linear. weight: int8 [out, in]; scale: [out, 1], in the dtype of the network."""

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty_like(linear.weight, dtype=torch.int8))
        self.register_buffer("scale", torch.empty_like(linear.weight[:, :1]))
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight.to(x.dtype).mul_(self.scale), self.bias)


def pack(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight [out, in] as int8 of the same shape and float32 scales [out, 1]; a row of zeros stays zero."""
    wide = weight.float()
    scale = wide.abs().amax(dim=1, keepdim=True) / _MAX_INT8
    return (wide / scale.clamp_min(1e-30)).round_().to(torch.int8), scale


class _Packed:
    """Makes a layer's two tensors from one weight, which is moved to the device and packed once."""

    def __init__(self, recipe: Recipe, device: torch.device | str) -> None:
        self._recipe = recipe
        self._device = device
        self._scale: Tensor | None = None

    def weight(self, *stored: Tensor) -> Tensor:
        packed, self._scale = pack(self._recipe.make(*stored).to(self._device))
        return packed

    def scale(self, *stored: Tensor) -> Tensor:
        """Called after `weight`, since recipes run in order."""
        scale, self._scale = self._scale, None
        return pack(self._recipe.make(*stored))[1] if scale is None else scale


def load_int8_dit(weights: Weights, dtype: torch.dtype, device: torch.device | str) -> Dit:
    """The transformer with packed linear layers; it is never in memory unpacked as a whole."""
    recipes, read = int8_recipes(weights, device), weights.files[CheckpointPart.DIT].read
    return fill(lambda: with_int8(_built(weights)), recipes, read, CheckpointPart.DIT, dtype, device)


def int8_recipes(weights: Weights, device: torch.device | str) -> dict[str, Recipe]:
    """How the packed transformer's tensors are made. A layer's scale comes right after its weight."""
    recipes: dict[str, Recipe] = {}
    packed = {f"{name}.weight": name for name in linear_names(_built(weights))}
    for name, recipe in weights.recipes[CheckpointPart.DIT].items():
        recipes[name] = recipe
        if name in packed:
            both = _Packed(recipe, device)
            recipes[name] = Recipe(recipe.sources, both.weight)
            recipes[f"{packed[name]}.scale"] = Recipe(recipe.sources, both.scale)
    return recipes


def _built(weights: Weights) -> Dit:
    with torch.device("meta"):
        return Dit(weights.folder.config.dit)


def linear_names(network: nn.Module) -> list[str]:
    """The names of all linear layers in a network."""
    return [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]


def with_int8(network: Dit) -> Dit:
    """The network with linear layers replaced by empty 8-bit ones."""
    for name in linear_names(network):
        parent, _, leaf = name.rpartition(".")
        holder = network.get_submodule(parent)
        linear = getattr(holder, leaf)
        setattr(holder, leaf, Int8Linear(linear))
    return network
