"""The vocoder, stage by stage, against the published code's numbers; and how far a wave depends on its picture."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch
from torch.nn import functional

from tests.model.acestep_v1.golden_v1 import tensors, tiny_vocoder, worst

CLOSE = 1e-5


def test_the_backbone():
    golden, backbone = tensors("vocoder"), tiny_vocoder().backbone
    x = golden["mel"]
    with torch.no_grad():
        for index in range(4):
            x = backbone.channel_layers[index](x)
            assert worst(x, golden[f"channel{index}"]) < CLOSE
            x = backbone.stages[index](x)
            assert worst(x, golden[f"stage{index}"]) < CLOSE
        assert worst(backbone(golden["mel"]), golden["backbone_out"]) < CLOSE


def test_the_head():
    golden, vocoder = tensors("vocoder"), tiny_vocoder()
    head = vocoder.head
    with torch.no_grad():
        x = head.conv_pre(golden["backbone_out"])
        assert worst(x, golden["conv_pre"]) < CLOSE
        assert worst(head.ups[0](functional.silu(x)), golden["up0"]) < CLOSE
        x = head.raised(x, 0)
        assert worst(x, golden["after_resblocks0"]) < CLOSE
        assert worst(head.ups[1](functional.silu(x)), golden["up1"]) < CLOSE
        for index in (1, 2):
            x = head.raised(x, index)
            assert worst(x, golden[f"after_resblocks{index}"]) < CLOSE
        assert worst(vocoder(golden["mel"]), golden["wave"]) < CLOSE


def test_a_part_with_its_context_gives_the_same_wave():
    vocoder = tiny_vocoder()
    picture = torch.randn(1, 128, 60, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        whole = vocoder(picture)
        part = vocoder(picture[..., 10:])[..., 30 * 512 :]
    assert worst(part, whole[..., 40 * 512 :]) < CLOSE
