"""The choice of a GPU's attention, made on the processor; copied keys give what grouped heads give."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.device import gpu_attention
from model.acestep.device.gpu_attention import (
    REPEATED_GAIN,
    chosen_attention,
    fastest_attention,
    use_fastest_attention,
)
from model.acestep.networks.attention import Attention, attend, attend_repeated, padding_masks, sliding_band
from model.acestep.weights.checkpoint import open_weights
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import DIT_TOLERANCE, TURBO, velocity

CPU = torch.device("cpu")


def test_only_a_large_difference_counts() -> None:
    assert chosen_attention(1.0, 1.0) is attend
    assert chosen_attention(REPEATED_GAIN * 0.99, 1.0) is attend
    assert chosen_attention(REPEATED_GAIN * 1.01, 1.0) is attend_repeated


def test_the_device_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_attention, "_TOKENS", 60)
    monkeypatch.setattr(gpu_attention, "_WINDOW", 8)
    fastest_attention.cache_clear()
    try:
        found = fastest_attention(CPU, torch.float32)
        assert found in (attend, attend_repeated)
        monkeypatch.setattr(gpu_attention, "_seconds", lambda _work: pytest.fail("measured again"))
        assert fastest_attention(CPU, torch.float32) is found
    finally:
        fastest_attention.cache_clear()


@pytest.mark.parametrize("tokens", [5, 16, 61])
@pytest.mark.parametrize(("batch", "heads", "key_heads"), [(1, 4, 2), (3, 4, 2), (2, 3, 3), (1, 6, 1)])
def test_copied_keys_equal_grouped_heads(tokens: int, batch: int, heads: int, key_heads: int) -> None:
    torch.manual_seed(1)
    query, key, value = (torch.randn(batch, count, tokens, 8) for count in (heads, key_heads, key_heads))
    valid = torch.arange(tokens)[None] < torch.full((batch, 1), tokens - 1)
    for visible in (
        None,
        sliding_band(tokens, 3, CPU, torch.float32),
        *padding_masks(valid, 3, torch.float32),
    ):
        found = attend_repeated(query, key, value, visible)
        assert worst(found, attend(query, key, value, visible)) <= 1e-6


def test_the_transformer_with_copied_keys_gives_the_stored_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    dit = open_weights(recognise(TURBO)).load_dit(torch.float32, "cpu")
    monkeypatch.setattr(gpu_attention, "fastest_attention", lambda *_: attend_repeated)
    use_fastest_attention(dit, CPU, torch.float32)
    assert {part.attend for part in dit.modules() if isinstance(part, Attention)} == {attend_repeated}
    golden = tensors("dit_forward")
    cases = sorted({name.split(".")[0] for name in golden})
    assert cases
    for case in cases:
        assert worst(velocity(dit, golden, f"{case}."), golden[f"{case}.out"]) <= DIT_TOLERANCE
