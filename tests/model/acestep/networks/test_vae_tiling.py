"""Tiles against the stored tiles of the reference, and against the whole clip where the overlap suffices."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.networks.vae_tiling import (
    Tile,
    decode_span,
    decode_tile,
    encode_tiled,
    fitting_overlap,
    span_tile,
    tiles,
)
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, exact_vae

GOLDEN = tensors("vae_tiled")


def decoded(latents: torch.Tensor, chunk: int, overlap: int) -> torch.Tensor:
    """The whole clip's audio, tile by tile."""
    parts = [decode_tile(exact_vae(), latents, tile) for tile in tiles(latents.shape[2], chunk, overlap)]
    return torch.cat(parts, dim=2)


@pytest.mark.parametrize(("chunk", "overlap"), [(16, 8), (24, 10), (32, 4)])
def test_decode_tile_by_tile_as_the_reference_does(chunk: int, overlap: int) -> None:
    audio = decoded(GOLDEN["decode.latents"], chunk, overlap)
    assert worst(audio, GOLDEN[f"decode.chunk{chunk}_overlap{overlap}.audio"]) <= BLOCK_TOLERANCE


@pytest.mark.parametrize(("chunk", "overlap"), [(30, 10), (32, 4)])
def test_encode_tile_by_tile_as_the_reference_does(chunk: int, overlap: int) -> None:
    found = encode_tiled(exact_vae(), GOLDEN["encode.audio"], chunk, overlap)
    assert worst(found.mean, GOLDEN[f"encode.chunk{chunk}_overlap{overlap}.mean"]) <= BLOCK_TOLERANCE


def test_tiles_equal_the_whole_clip_when_the_overlap_covers_the_reach() -> None:
    # The tiny network has three blocks instead of five and smaller strides, so it reaches further in frames.
    audio = decoded(GOLDEN["decode.latents"], 50, 20)
    assert worst(audio, GOLDEN["decode.full"]) <= BLOCK_TOLERANCE
    found = encode_tiled(exact_vae(), GOLDEN["encode.audio"], 50, 20)
    assert worst(found.mean, GOLDEN["encode.full_mean"]) <= BLOCK_TOLERANCE


def test_a_short_clip_is_one_tile() -> None:
    audio = decoded(GOLDEN["decode.latents"], 70, 20)
    assert worst(audio, GOLDEN["decode.full"]) <= BLOCK_TOLERANCE


def test_a_span_sounds_as_in_the_whole() -> None:
    audio = decode_span(exact_vae(), GOLDEN["decode.latents"], 30, 37, overlap=20)
    assert worst(audio, GOLDEN["decode.full"][:, :, 30 * 48 : 37 * 48]) <= BLOCK_TOLERANCE


def test_a_ragged_end_is_kept() -> None:
    audio = GOLDEN["encode.audio"][:, :, :-1]
    found = encode_tiled(exact_vae(), audio, 32, 4)
    assert found.mean.shape[2] == 70
    silent_end = torch.cat((audio, torch.zeros(1, 2, 1)), dim=2)
    assert torch.equal(found.mean, encode_tiled(exact_vae(), silent_end, 32, 4).mean)


@pytest.mark.parametrize(
    ("chunk", "overlap", "fitting"),
    [(512, 64, 64), (128, 64, 32), (16, 8, 4), (9, 64, 4), (10, 5, 4), (9, 3, 3)],
)
def test_overlaps_are_halved_until_a_core_is_left(chunk: int, overlap: int, fitting: int) -> None:
    assert fitting_overlap(chunk, overlap) == fitting


def test_no_core_is_refused() -> None:
    with pytest.raises(ValueError, match="8 frames has no core between overlaps of 4 frames"):
        fitting_overlap(8, 64)


@pytest.mark.parametrize(
    ("frames", "chunk", "overlap"), [(70, 16, 8), (70, 24, 10), (1, 16, 4), (1000, 128, 9)]
)
def test_cores_cover_the_clip_once(frames: int, chunk: int, overlap: int) -> None:
    found = tiles(frames, chunk, overlap)
    assert [tile.core_start for tile in found] == [0, *(tile.core_end for tile in found[:-1])]
    assert found[-1].core_end == frames
    assert all(tile.end - tile.start <= chunk for tile in found)


def test_a_span_must_lie_inside() -> None:
    assert span_tile(5, 9, 10, 3) == Tile(2, 5, 9, 10)
    for start, end in ((-1, 5), (5, 5), (5, 11)):
        with pytest.raises(ValueError, match="must be inside the clip"):
            span_tile(start, end, 10, 3)
