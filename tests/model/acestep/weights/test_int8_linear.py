"""Packed weights: how exact, how small, and that the whole transformer works with them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import nn

from model.acestep.networks.dit import Dit
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.int8_linear import Int8Linear, linear_names, load_int8_dit, pack
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.golden_data import tensors
from tests.model.acestep.tiny_models import TURBO, XL, networks, velocity

CPU = (torch.float32, "cpu")


def test_a_packed_weight_is_within_half_a_step_of_each_row() -> None:
    weight = (
        torch.randn(33, 70, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 3, 33)[:, None]
    )
    weight[5] = 0
    packed, scale = pack(weight)
    assert (packed.dtype, packed.shape, scale.shape) == (torch.int8, weight.shape, (33, 1))
    assert ((packed * scale - weight).abs() <= scale * 0.5001).all()
    assert packed.abs().amax(dim=1)[weight.any(dim=1)].eq(127).all()
    assert not packed[5].any()


def test_a_layer_computes_with_what_was_packed() -> None:
    source = torch.Generator().manual_seed(1)
    linear = nn.Linear(64, 48)
    layer = Int8Linear(linear)
    layer.weight, layer.scale = pack(linear.weight.detach())
    x = torch.randn(3, 5, 64, generator=source)
    unpacked = nn.functional.linear(x, layer.weight * layer.scale, linear.bias)
    assert torch.equal(layer(x), unpacked)
    error = (layer(x) - linear(x)).norm() / linear(x).norm()
    assert 1e-4 < error < 0.01


@pytest.mark.parametrize("folder", [TURBO, XL])
def test_the_transformer_with_packed_weights(folder: Path) -> None:
    weights = open_weights(recognise(folder))
    packed = load_int8_dit(weights, *CPU)
    assert linear_names(packed) == []
    assert stored_bytes(packed) < 0.4 * stored_bytes(networks(folder).dit)
    case = tensors("xl") if folder == XL else tensors("dit_forward")
    prefix = "" if folder == XL else "odd."
    whole, rough = velocity(networks(folder).dit, case, prefix), velocity(packed, case, prefix)
    error = float((whole - rough).norm() / whole.norm())
    assert 1e-4 < error < 0.02


def test_a_packed_transformer_is_the_same_every_time() -> None:
    weights = open_weights(recognise(TURBO))
    once, again = load_int8_dit(weights, *CPU).state_dict(), load_int8_dit(weights, *CPU).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in once.items())


def test_numbers_are_converted_and_packed_weights_are_not() -> None:
    packed = load_int8_dit(open_weights(recognise(TURBO)), torch.bfloat16, "cpu")
    kinds = {value.dtype for value in packed.state_dict().values()}
    assert kinds == {torch.int8, torch.bfloat16}


def stored_bytes(network: Dit) -> int:
    return sum(value.numel() * value.element_size() for value in network.state_dict().values())
