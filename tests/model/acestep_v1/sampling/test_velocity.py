"""How many passes through the network a step takes."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.transformer import SongTransformer
from model.acestep_v1.sampling.guidance import Guidance
from model.acestep_v1.sampling.velocity import GuidedVelocity
from tests.model.acestep_v1.golden_v1 import tensors, tiny_transformer
from tests.model.acestep_v1.sampling.test_denoise import conditions, network


def passes(guidance: Guidance, index: int, separate: bool = False) -> int:
    counted: list[SongTransformer] = []
    transformer = tiny_transformer()
    hook = transformer.register_forward_hook(lambda *_: counted.append(transformer))
    velocity = GuidedVelocity(network(24), conditions(separate=separate), guidance, 8)
    with torch.no_grad():
        velocity(tensors("e2e_inputs")["noise"], 1000.0, index)
    hook.remove()
    assert velocity.evaluations >= len(counted)
    return len(counted)


def test_only_guided_steps_take_more_than_one_pass():
    assert passes(Guidance(), 0) == 1
    assert passes(Guidance(), 3) == 2
    assert passes(Guidance(scale=1.0), 3) == 1
    assert passes(Guidance(text=5.0, lyrics=1.5), 3, separate=True) == 3
