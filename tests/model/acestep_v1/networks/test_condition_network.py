"""Singer, prompt and lyrics in one sequence, against the published code's numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from tests.model.acestep_v1.golden_v1 import tensors, tiny_condition_network, worst

CLOSE = 1e-5


def test_the_condition():
    golden, network = tensors("condition"), tiny_condition_network()
    masks = golden["text_mask"], golden["lyric_mask"]
    given = golden["text_hidden"], masks[0], golden["lyric_ids"], masks[1]
    found = network(*given, speaker=golden["speaker"])
    assert worst(found.states, golden["encoder_hidden"]) < CLOSE
    assert torch.equal(found.mask, golden["encoder_mask"])
    assert worst(network(*given).states, golden["encoder_hidden_zero_speaker"]) < CLOSE


def test_without_condition_the_masks_stay():
    golden, network = tensors("condition"), tiny_condition_network()
    none = torch.zeros_like(golden["text_hidden"]), torch.zeros_like(golden["lyric_ids"])
    found = network(none[0], golden["text_mask"], none[1], golden["lyric_mask"])
    assert worst(found.states, golden["encoder_hidden_null"]) < CLOSE
    assert torch.equal(found.mask, golden["encoder_mask"])
