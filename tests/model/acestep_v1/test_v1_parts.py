"""Networks on the device: kept or loaded for each phase, with equal results."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

import torch

from model.acestep_v1.v1_memory import V1Placement
from model.acestep_v1.v1_parts import V1Parts
from model.acestep_v1.weights.v1_adapters import AppliedV1Adapter, read_v1_adapter
from tests.model.acestep_v1.golden_v1 import TINY_V1_LORA, tiny_weights
from tests.model.acestep_v1.test_loaded_v1 import CPU

KEPT, OFFLOADED = V1Placement(4, 4), V1Placement(4, 4, offload=True)


def test_networks_stay_or_leave():
    parts = V1Parts(tiny_weights(), CPU, KEPT)
    with parts.transformer() as first:
        pass
    with parts.transformer() as second:
        assert second is first
    parts.arrange(OFFLOADED)
    assert first.final_layer.linear.weight.device.type == "meta"
    with parts.transformer() as third:
        assert third.final_layer.linear.weight.device.type == "cpu"
    assert third.final_layer.linear.weight.device.type == "meta"


def test_an_adapter_replaces_what_it_changes_and_goes_again():
    parts = V1Parts(tiny_weights(), CPU, KEPT)

    def weight() -> torch.Tensor:
        with parts.transformer() as network:
            return network.get_parameter("transformer_blocks.0.attn.to_q.weight").clone()

    plain = weight()
    adapter = read_v1_adapter(TINY_V1_LORA, tiny_weights())
    parts.adapt(AppliedV1Adapter(adapter, 1.0))
    assert not torch.equal(weight(), plain)
    parts.adapt(None)
    assert torch.equal(weight(), plain)


def test_loading_shows_its_progress():
    seen: list[float] = []
    V1Parts(tiny_weights(), CPU, OFFLOADED).load_all(lambda update: seen.append(update.fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
