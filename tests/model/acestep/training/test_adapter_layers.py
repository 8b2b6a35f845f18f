"""Changed layers: nothing before training, their formula afterwards, and gradients for nothing else."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.training.adapter_layers import (
    KroneckerLinear,
    LowRankLinear,
    attach,
    detach,
    even_split,
    trained,
)
from model.acestep.training.training_settings import AdapterKind
from tests.model.acestep.training.small_training import drawn, fresh_dit, small


def source() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_a_size_is_split_as_evenly_as_it_divides() -> None:
    assert [even_split(size) for size in (64, 2048, 1024, 6, 7)] == [
        (8, 8),
        (32, 64),
        (32, 32),
        (2, 3),
        (1, 7),
    ]


@pytest.mark.parametrize("rank", [1, 64])
def test_a_kronecker_change_is_the_product_of_its_factors(rank: int) -> None:
    frozen = torch.nn.Linear(6, 8, bias=False)
    layer = KroneckerLinear(frozen, small(rank=rank, alpha=3.0), source()).eval()
    for number, parameter in enumerate(one for one in layer.parameters() if one is not frozen.weight):
        parameter.data = drawn(number, *parameter.shape)
    fine = layer.fine if layer.fine is not None else layer.fine_up @ layer.fine_down  # type: ignore[operator]
    scale = 1.0 if rank == 64 else 3.0
    weight = frozen.weight + scale * torch.kron(layer.coarse, fine)
    x = drawn(9, 2, 5, 6)
    assert torch.allclose(layer(x), x @ weight.T, atol=1e-5)


def test_a_low_rank_change_is_scaled_and_computes_in_the_dtype_of_its_input() -> None:
    frozen = torch.nn.Linear(6, 8, bias=False).bfloat16()
    layer = LowRankLinear(frozen, small(rank=2, alpha=6.0), source()).eval()
    layer.up.data = drawn(3, 8, 2)
    x = drawn(9, 4, 6).bfloat16()
    wanted = x.float() @ (frozen.weight.float() + 3 * layer.up @ layer.down).T
    assert layer(x).dtype is torch.bfloat16
    assert torch.allclose(layer(x).float(), wanted, atol=0.1)


@pytest.mark.parametrize("kind", AdapterKind)
def test_before_training_nothing_changes(kind: AdapterKind) -> None:
    plain, dit = fresh_dit(), fresh_dit()
    changes = attach(dit, small(kind=kind))
    assert len(changes) == 4 * 2 * 4  # layers, attentions, projections
    x, context, states, time = (
        drawn(1, 1, 8, 64),
        drawn(2, 1, 8, 128),
        drawn(3, 1, 5, 64),
        torch.tensor([0.4]),
    )
    ours = dit(x, context, time, dit.condition(states), dit.plan(8))
    assert torch.equal(ours, plain(x, context, time, plain.condition(states), plain.plan(8)))
    assert {name for name, one in dit.named_parameters() if one.requires_grad} == set(trained(changes))
    detach(dit, changes)
    assert not any(one.requires_grad for one in dit.parameters())


def test_a_seed_decides_the_start() -> None:
    one, same, other = (trained(attach(fresh_dit(), small(seed=seed))) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
