"""The lyric encoder, layer by layer, against the published code's numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.lyric_encoder import distance_features
from tests.model.acestep_v1.golden_v1 import tensors, tiny_condition_network, worst

CLOSE = 1e-5


def test_distances_fall_from_the_longest_to_minus_the_longest():
    assert worst(distance_features(17, 32)[None], tensors("lyric_encoder")["pos_emb"]) < CLOSE


def test_every_layer():
    golden, network = tensors("lyric_encoder"), tiny_condition_network()
    encoder = network.lyric_encoder
    rows = network.lyric_embs(golden["ids"])
    assert worst(rows, golden["embedded"]) < CLOSE
    x = encoder.embed(rows)
    assert worst(x, golden["after_input_layer"]) < CLOSE
    mask, distances = golden["mask"].bool()[:, None, None], distance_features(17, 32)
    first = encoder.encoders[0]
    assert worst(first.norm_mha(x), golden["layer0_norm_mha"]) < CLOSE
    attended = first.self_attn(first.norm_mha(x), mask, distances, 1.0)
    assert worst(attended, golden["layer0_attn_out"]) < CLOSE
    assert worst(first.feed_forward(first.norm_ff(x + attended)), golden["layer0_ff_out"]) < CLOSE
    for index, layer in enumerate(encoder.encoders):
        x = layer(x, mask, distances, 1.0)
        assert worst(x, golden[f"layer{index}_out"]) < CLOSE
    assert worst(encoder.after_norm(x), golden["encoder_out"]) < CLOSE


def test_projected_with_and_without_weakening():
    golden, network = tensors("lyric_encoder"), tiny_condition_network()
    assert worst(network.lyrics(golden["ids"], golden["mask"]), golden["projected"]) < CLOSE
    assert worst(network.lyrics(golden["ids"], golden["mask"], 0.01), golden["projected_tau"]) < CLOSE


def test_no_lyrics_leave_the_bias_of_the_attention():
    golden, network = tensors("lyric_encoder"), tiny_condition_network()
    ids = torch.zeros(1, 1, dtype=torch.int64)
    assert worst(network.lyrics(ids, torch.zeros(1, 1)), golden["empty_projected"]) < CLOSE
    assert worst(network.lyrics(ids, torch.ones(1, 1)), golden["empty_null_projected_mask1"]) < CLOSE
