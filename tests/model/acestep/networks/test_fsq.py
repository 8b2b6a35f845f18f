"""Finite scalar quantisation: exact codes, every code there and back."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.networks.fsq import (
    LEVELS,
    FsqConfig,
    from_index,
    from_steps,
    soft_clamp,
    to_index,
    to_steps,
)
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, TURBO, networks

GOLDEN = tensors("fsq")


def test_levels_and_places_of_the_reference() -> None:
    assert tuple(GOLDEN["levels"].tolist()) == LEVELS
    one_step_each = torch.eye(6)
    assert torch.equal(to_index(one_step_each, LEVELS), GOLDEN["basis"])
    assert FsqConfig(8).codes == 64_000


def test_soft_clamp() -> None:
    assert worst(soft_clamp(GOLDEN["pre_quant"], LEVELS), GOLDEN["soft_clamped"]) <= 1e-6


def test_numbers_to_codes() -> None:
    steps = to_steps(soft_clamp(GOLDEN["pre_quant"], LEVELS), LEVELS)
    assert torch.equal(to_index(steps, LEVELS), GOLDEN["quant_indices"].long())
    assert worst(from_steps(steps, LEVELS), GOLDEN["quant_codes"]) <= 1e-6


def test_rounding_at_the_edges() -> None:
    steps = to_steps(soft_clamp(GOLDEN["edge_in"], LEVELS), LEVELS)
    assert torch.equal(to_index(steps, LEVELS), GOLDEN["edge_indices"])
    assert worst(from_steps(steps, LEVELS), GOLDEN["edge_codes"]) <= 1e-6


def test_codes_to_vectors() -> None:
    fsq = networks(TURBO).tokenizer.fsq
    assert worst(from_steps(from_index(GOLDEN["indices"], LEVELS), LEVELS), GOLDEN["codes"]) <= 1e-6
    assert worst(fsq.decode(GOLDEN["indices"]), GOLDEN["project_out"]) <= BLOCK_TOLERANCE


def test_vectors_to_codes() -> None:
    fsq = networks(TURBO).tokenizer.fsq
    codes = fsq.encode(GOLDEN["hidden_in"])
    assert torch.equal(codes, GOLDEN["hidden_indices"][:, 0].long())
    assert worst(fsq.decode(codes), GOLDEN["hidden_quantized"]) <= BLOCK_TOLERANCE


def test_every_code_survives_the_round_trip() -> None:
    codes = torch.arange(64_000)
    numbers = from_steps(from_index(codes, LEVELS), LEVELS)
    assert torch.equal(to_index(to_steps(numbers, LEVELS), LEVELS), codes)


@pytest.mark.parametrize("code", [-1, 64_000, 65_534])
def test_codes_that_do_not_exist(code: int) -> None:
    with pytest.raises(ValueError, match=f"0..63999, got 3..{code}|0..63999, got {code}..3"):
        networks(TURBO).tokenizer.fsq.decode(torch.tensor([code, 3]))


def test_levels_need_two_steps() -> None:
    with pytest.raises(ValueError, match="at least 2 steps"):
        FsqConfig(8, (8, 1))
