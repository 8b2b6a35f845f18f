"""Latents to audio codes and back, against the stored answers of the reference."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from pathlib import Path

import torch

from model.acestep.networks.attention import BlockShape
from model.acestep.networks.audio_tokenizer import AudioTokenizerConfig
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, TURBO, XL, networks, silence


@pytest.mark.parametrize(("folder", "name"), [(TURBO, "tokenizer"), (XL, "xl")])
def test_latents_to_codes_and_back(folder: Path, name: str) -> None:
    golden, loaded = tensors(name), networks(folder)
    codes = loaded.tokenizer.encode(golden["latents"], silence())
    assert torch.equal(codes, golden["indices"][..., 0].long())
    vectors = loaded.tokenizer.decode(codes)
    assert worst(vectors, golden["quantized"]) <= BLOCK_TOLERANCE
    assert worst(loaded.detokenizer(vectors), golden["detokenized"]) <= BLOCK_TOLERANCE


def test_pooled_vectors() -> None:
    golden = tensors("tokenizer")
    assert worst(networks(TURBO).tokenizer.pool(golden["latents"]), golden["pooled"]) <= BLOCK_TOLERANCE


def test_a_ragged_end_is_filled_with_silence() -> None:
    golden, loaded = tensors("tokenizer"), networks(TURBO)
    codes = loaded.tokenizer.encode(golden["latents_23"], silence())
    assert torch.equal(codes, golden["indices_23"][..., 0].long())
    vectors = loaded.tokenizer.decode(codes)
    assert worst(vectors, golden["quantized_23"]) <= BLOCK_TOLERANCE
    assert worst(loaded.detokenizer(vectors), golden["detokenized_23"]) <= BLOCK_TOLERANCE


def test_a_code_depends_on_its_own_five_frames_only() -> None:
    golden, tokenizer = tensors("tokenizer"), networks(TURBO).tokenizer
    changed = golden["latents"].clone()
    changed[:, 10:15] += 3
    before, after = tokenizer.pool(golden["latents"]), tokenizer.pool(changed)
    assert ((before - after).abs().amax((0, 2)) > 1e-4).tolist() == [False, False, True, False, False]


def test_unpadded_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="23 latent frames are not a multiple of 5"):
        networks(TURBO).tokenizer.pool(torch.zeros(1, 23, 64))


def test_an_empty_pool_is_refused() -> None:
    block = BlockShape(width=8, inner_width=8, heads=1, key_heads=1, head_width=8)
    with pytest.raises(ValueError, match="at least 1 frame per code, got 0"):
        AudioTokenizerConfig(block, pool=0)
