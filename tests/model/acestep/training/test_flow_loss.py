"""The loss of one example, against the formula, and layers whose activations are computed twice."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.training.adapter_layers import attach, trained
from model.acestep.training.examples import Examples
from model.acestep.training.flow_loss import FlowLoss, save_activations
from tests.model.acestep.training.small_training import fresh_dit, material, small


def examples() -> Examples:
    what = material()
    return Examples(what.songs, what.silence, what.nothing, small())


def test_the_loss_is_the_mean_square_of_what_is_missed() -> None:
    dit, one = fresh_dit(), examples()[0]
    at = one.time[:, None, None]
    noisy = at * one.noise + (1 - at) * one.latents
    answer = dit(noisy, one.context, one.time, dit.condition(one.states), dit.plan(noisy.shape[1]))
    wanted = (answer - (one.noise - one.latents)).square().mean()
    assert float(FlowLoss(dit)(one)) == pytest.approx(float(wanted), rel=1e-6)


def test_dropout_is_the_examples_own_and_leaves_torchs_numbers_alone() -> None:
    dit = fresh_dit()
    for parameter in trained(attach(dit, small(dropout=0.5))).values():
        parameter.data.fill_(0.1)
    loss, one, other = FlowLoss(dit.train()), examples()[0], examples()[1]
    torch.manual_seed(5)
    first = loss(one)
    after = torch.rand(3)
    loss(other)
    torch.manual_seed(9)
    assert torch.equal(loss(one), first)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), after)
    assert not torch.equal(FlowLoss(dit.eval())(one), first)


def test_saved_activations_give_the_same_gradients() -> None:
    found = []
    for saves in (False, True):
        dit = fresh_dit()
        parameters = trained(attach(dit, small(dropout=0.3)))
        for parameter in parameters.values():
            parameter.data.add_(0.05)
        if saves:
            save_activations(dit)
        FlowLoss(dit.train())(examples()[0]).backward()  # type: ignore[no-untyped-call]
        found.append([parameter.grad for parameter in parameters.values()])
    for plain, saved in zip(*found, strict=True):
        assert plain is not None
        assert saved is not None
        assert torch.equal(plain, saved)
        assert plain.any()
