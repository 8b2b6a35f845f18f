"""Adapters with the published scale, with a stated one, and under other programs' names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import load_file, save_file

from model.acestep_v1.sampling.velocity import Network
from model.acestep_v1.weights.stored_parts import V1Weights, adapted_v1
from model.acestep_v1.weights.v1_adapters import read_v1_adapter, v1_place
from model.errors import CannotRender
from tests.model.acestep_v1.golden_v1 import TINY_V1_LORA, tensors, tiny_weights, worst

GOLDEN = tensors("lora")


def velocity(weights: V1Weights) -> torch.Tensor:
    condition = weights.load_condition(torch.float32, "cpu")
    network = Network(weights.load_transformer(torch.float32, "cpu"), GOLDEN["x"].shape[-1])
    with torch.no_grad():
        text, lyrics = GOLDEN["text_hidden"], GOLDEN["lyric_ids"]
        masks = torch.ones(text.shape[:2]), torch.ones(lyrics.shape)
        states = condition(text, masks[0], lyrics, masks[1], speaker=GOLDEN["speaker"])
        return network.velocity(GOLDEN["x"], float(GOLDEN["t"]), network.ready(states))


@pytest.mark.parametrize(
    ("name", "strength"),
    [("base", 0.0), ("official_weight1.0", 1.0), ("official_weight0.5", 0.5), ("official_weight-1.0", -1.0),
     ("trained_scale", 4.0)],
)  # fmt: skip
def test_the_published_adapter(name: str, strength: float):
    adapter = read_v1_adapter(TINY_V1_LORA, tiny_weights())
    assert len(adapter.changes) == 211
    assert worst(velocity(adapted_v1(tiny_weights(), adapter, strength)), GOLDEN[name]) < 1e-5


def test_a_file_that_states_its_alpha_has_that_scale(tmp_path: Path):
    file = tmp_path / "mine.safetensors"
    config = json.dumps({"r": 4, "lora_alpha": 8, "use_rslora": True})
    save_file(load_file(TINY_V1_LORA), file, {"lora_adapter_metadata": config})
    adapter = read_v1_adapter(file, tiny_weights())
    assert {getattr(change, "scale", None) for change in adapter.changes.values()} == {4.0}


def test_names_of_other_programs():
    module = "transformer_blocks.0.attn.to_q"
    for prefix in ("", "diffusion_model.", "transformer.", "base_model.model."):
        place = v1_place(f"{prefix}{module}.lora_A.weight")
        assert place is not None
        assert place[:2] == (module, f"{module}.weight")
    assert v1_place("transformer_blocks.0.attn.to_q.weight") is None


def test_an_adapter_of_another_model_is_refused(tmp_path: Path):
    file = tmp_path / "other.safetensors"
    save_file({"layers.0.q_proj.lora_A.weight": torch.zeros(2, 4)}, file)
    with pytest.raises(CannotRender, match="do not belong"):
        read_v1_adapter(file, tiny_weights())
