"""The rotary's odd pairing and linear attention, against the published code's numbers and a plain sum."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.attention import linear_attention, rotary_tables, rotated
from tests.model.acestep_v1.golden_v1 import tensors, tiny_transformer, worst

CLOSE = 1e-5


def test_the_rotary_is_the_published_one():
    golden = tensors("rope")
    rotary = rotary_tables(40, 16, 1_000_000.0)
    assert worst(rotary.cosine, golden["cos"]) < CLOSE
    assert worst(rotary.sine, golden["sin"]) < CLOSE
    assert worst(rotated(golden["x"], rotary), golden["rotated"]) < CLOSE


def test_linear_attention_is_the_sum_it_stands_for():
    drawn = torch.Generator().manual_seed(1)
    query, key, value = torch.rand((3, 1, 2, 5, 4), generator=drawn)
    scores = query @ key.transpose(-1, -2)
    assert worst(linear_attention(query, key, value), scores / scores.sum(-1, keepdim=True) @ value) < CLOSE


def test_a_position_that_nothing_answers_gives_zeros():
    query, key, value = torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4), torch.ones(1, 1, 2, 4)
    assert torch.equal(linear_attention(query, key, value), torch.zeros(1, 1, 2, 4))


def test_self_and_cross_attention_are_the_published_ones():
    golden, network = tensors("dit_block"), tiny_transformer()
    block, rotary = network.transformer_blocks[0], network.rotary(13)
    assert worst(block.attn(golden["self_attn_in"], rotary), golden["self_attn_out"]) < CLOSE
    visible = golden["encoder_mask"].bool()[:, None, None]
    condition = block.cross_attn.prepare(golden["encoder_hidden"], visible, network.rotary(25))
    assert (
        worst(block.cross_attn(golden["after_self_attn"], condition, rotary), golden["cross_attn_out"])
        < CLOSE
    )
