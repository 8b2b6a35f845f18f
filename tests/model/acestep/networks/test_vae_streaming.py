"""Fed in pieces of any length, the autoencoder says what it says of the whole."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from model.acestep.networks.vae import Vae, VaeConfig
from model.acestep.networks.vae_streaming import pieces, stage_for, stream_decode, stream_encode, stream_span
from model.acestep.networks.vae_tiling import DECODE_REACH, ENCODE_REACH
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import BLOCK_TOLERANCE, exact_vae, vae

GOLDEN = tensors("vae_tiled")
LENGTHS = [1, 2, 3, 7, 11, 69, 70, 500]


@pytest.mark.parametrize("length", LENGTHS)
def test_decode(length: int) -> None:
    audio = torch.cat(list(stream_decode(exact_vae(), pieces(GOLDEN["decode.latents"], length))), dim=2)
    assert worst(audio, GOLDEN["decode.full"]) <= BLOCK_TOLERANCE


@pytest.mark.parametrize("length", LENGTHS)
def test_encode(length: int) -> None:
    found = list(stream_encode(exact_vae(), pieces(GOLDEN["encode.audio"], 48 * length)))
    mean = torch.cat([part.mean for part in found], dim=2)
    assert worst(mean, GOLDEN["encode.full_mean"]) <= BLOCK_TOLERANCE


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short_clips(frames: int) -> None:
    latents = GOLDEN["decode.latents"][:, :, :frames]
    streamed = torch.cat(list(stream_decode(vae(), pieces(latents, 1))), dim=2)
    assert worst(streamed, vae().decode(latents)) <= BLOCK_TOLERANCE


def test_a_batch() -> None:
    latents = torch.cat((GOLDEN["decode.latents"], -GOLDEN["decode.latents"]))
    streamed = torch.cat(list(stream_decode(vae(), pieces(latents, 16))), dim=2)
    assert worst(streamed, vae().decode(latents)) <= BLOCK_TOLERANCE


@pytest.fixture(name="published_strides", scope="module")
def _published_strides() -> Vae:
    """Random weights, few channels, but the strides of the published network: its reach in frames is the same."""
    torch.manual_seed(1)
    config = VaeConfig(latent_channels=8, encoder_width=4, decoder_width=4)
    return Vae(config).requires_grad_(False)


@pytest.mark.parametrize(("start", "end"), [(0, 4), (15, 22), (33, 40), (0, 40)])
@pytest.mark.parametrize("first", [None, 1, 12])
def test_a_span_sounds_as_in_the_whole(
    published_strides: Vae, start: int, end: int, first: int | None
) -> None:
    latents = torch.randn(1, 8, 40, generator=torch.Generator().manual_seed(2))
    whole = published_strides.decode(latents)
    parts = list(stream_span(published_strides, latents, start, end, 5, first))
    assert worst(torch.cat(parts, dim=2), whole[:, :, start * 1920 : end * 1920]) <= BLOCK_TOLERANCE


def test_published_reach(published_strides: Vae) -> None:
    latents = torch.randn(1, 8, 40, generator=torch.Generator().manual_seed(2))
    changed = latents.clone()
    changed[:, :, 20] += 10
    moved = (published_strides.decode(latents) - published_strides.decode(changed)).abs().amax((0, 1)) > 0
    frames = torch.nonzero(moved.unflatten(0, (40, 1920)).any(1))[:, 0]
    assert int(frames.min()) >= 20 - DECODE_REACH
    assert int(frames.max()) <= 20 + DECODE_REACH
    audio = torch.randn(1, 2, 40 * 1920, generator=torch.Generator().manual_seed(3))
    louder = audio.clone()
    louder[:, :, 20 * 1920 : 21 * 1920] += 10
    moved = (published_strides.encode(audio).mean - published_strides.encode(louder).mean).abs().amax(
        (0, 1)
    ) > 0
    frames = torch.nonzero(moved)[:, 0]
    assert int(frames.min()) >= 20 - ENCODE_REACH
    assert int(frames.max()) <= 20 + ENCODE_REACH


def test_sound_comes_before_the_last_latents_are_made() -> None:
    taken = 0

    def counted() -> Iterator[Tensor]:
        nonlocal taken
        for piece in pieces(GOLDEN["decode.latents"], 5, first=10):
            taken += piece.shape[2]
            yield piece

    first = next(stream_decode(exact_vae(), counted()))
    # One piece is held back, since only the next tells that it is not the last.
    assert taken <= 25
    assert 0 < first.shape[2] <= taken * 48
    assert worst(first, GOLDEN["decode.full"][:, :, : first.shape[2]]) <= BLOCK_TOLERANCE


def test_pieces() -> None:
    whole = torch.arange(10)[None, None]
    assert [piece.shape[2] for piece in pieces(whole, 4)] == [4, 4, 2]
    assert [piece.shape[2] for piece in pieces(whole, 4, first=1)] == [1, 4, 4, 1]
    assert torch.equal(torch.cat(list(pieces(whole, 3, first=2)), dim=2), whole)


@pytest.mark.parametrize(("length", "first"), [(0, None), (4, 0)])
def test_empty_pieces_are_refused(length: int, first: int | None) -> None:
    with pytest.raises(ValueError, match="at least 1 long"):
        list(pieces(torch.zeros(1, 1, 3), length, first))


def test_broken_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="50 samples are not a multiple of the hop, 48"):
        list(stream_encode(vae(), [torch.zeros(1, 2, 50)]))


def test_nothing_in_nothing_out() -> None:
    assert list(stream_decode(vae(), [])) == []


def test_a_layer_without_a_streamed_form() -> None:
    with pytest.raises(TypeError, match="no streamed form of Linear"):
        stage_for(nn.Linear(1, 1))
