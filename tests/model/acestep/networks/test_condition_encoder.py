"""The condition encoder against the stored answers of the reference."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from pathlib import Path

import torch

from model.acestep.networks.condition_encoder import Packed, group_clips, pack
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, TURBO, XL, all_valid, networks, silence

FOLDERS = pytest.mark.parametrize(("folder", "name"), [(TURBO, "condition_encoder"), (XL, "xl")])


def packed(golden: dict[str, torch.Tensor], kind: str) -> Packed:
    return Packed(golden[f"{kind}_hidden"], golden[f"{kind}_mask"].bool())


@FOLDERS
def test_a_padded_batch_with_several_clips(folder: Path, name: str) -> None:
    golden, encoder = tensors(name), networks(folder).conditions
    ours = encoder(
        packed(golden, "text"), packed(golden, "lyric"), golden["refer_latents"], golden["refer_order"]
    )
    assert torch.equal(ours.valid, golden["packed_mask"].bool())
    # Padding too: the transformer sees it.
    assert worst(ours.states, golden["packed"]) <= BLOCK_TOLERANCE


@FOLDERS
def test_timbre(folder: Path, name: str) -> None:
    golden, encoder = tensors(name), networks(folder).conditions
    vectors = encoder.timbre(golden["refer_latents"])
    ours = group_clips(vectors, golden["refer_order"], batch=2)
    assert torch.equal(ours.valid, golden["timbre_mask"].bool())
    assert worst(ours.states, golden["timbre_unpacked"]) <= BLOCK_TOLERANCE


def test_lyrics_text_and_the_first_packing() -> None:
    golden, encoder = tensors("condition_encoder"), networks(TURBO).conditions
    lyrics = Packed(
        encoder.lyrics(golden["lyric_hidden"], golden["lyric_mask"].bool()), golden["lyric_mask"].bool()
    )
    assert worst(lyrics.states, golden["lyric_encoder_out"]) <= BLOCK_TOLERANCE
    assert worst(encoder.text(golden["text_hidden"]), golden["text_proj_out"]) <= BLOCK_TOLERANCE
    joined = pack(lyrics, Packed(golden["timbre_unpacked"], golden["timbre_mask"].bool()))
    assert torch.equal(joined.valid, golden["packed_lyric_timbre_mask"].bool())
    assert worst(joined.states, golden["packed_lyric_timbre"]) <= BLOCK_TOLERANCE


def test_without_reference_audio_silence_is_encoded() -> None:
    golden, encoder = tensors("condition_encoder_silence"), networks(TURBO).conditions
    text, lyrics = all_valid(golden["text_hidden"]), all_valid(golden["lyric_hidden"])
    ours = encoder(text, lyrics, silence()[:, :750], torch.zeros(1, dtype=torch.long))
    assert torch.equal(ours.valid, golden["packed_mask"].bool())
    assert worst(ours.states, golden["packed"]) <= BLOCK_TOLERANCE


def test_padding_is_the_same_as_none() -> None:
    golden, encoder = tensors("condition_encoder_silence"), networks(TURBO).conditions
    text, clip, item = all_valid(golden["text_hidden"]), silence()[:, :750], torch.zeros(1, dtype=torch.long)
    alone = encoder(text, all_valid(golden["lyric_hidden"]), clip, item)
    states = torch.cat((golden["lyric_hidden"], torch.full((1, 5, 32), 9.0)), dim=1)
    padded = encoder(text, Packed(states, torch.arange(17)[None] < 12), clip, item)
    assert int(padded.valid.sum()) == alone.states.shape[1]
    assert worst(padded.states[:, : alone.states.shape[1]], alone.states) <= BLOCK_TOLERANCE


def test_packing_keeps_the_order_of_valid_entries() -> None:
    first = Packed(torch.tensor([[[1.0], [2.0], [9.0]]]), torch.tensor([[True, True, False]]))
    second = Packed(torch.tensor([[[3.0], [8.0], [4.0]]]), torch.tensor([[True, False, True]]))
    both = pack(first, second)
    assert both.states[0, :, 0].tolist() == [1, 2, 3, 4, 9, 8]
    assert both.valid.tolist() == [[True, True, True, True, False, False]]


def test_an_item_without_clips_gets_only_padding() -> None:
    grouped = group_clips(torch.ones(2, 3), torch.tensor([2, 2]), batch=3)
    assert grouped.states.shape == (3, 2, 3)
    assert grouped.valid.tolist() == [[False, False], [False, False], [True, True]]
