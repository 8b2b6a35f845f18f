"""The autoencoder against diffusers' at fresh random weights, in one go, in tiles and streamed."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "diffusers", reason="NOT COMPARED WITH THE PEER: diffusers is missing, pip install takebridge[parity]"
)

from typing import Any

import torch
from diffusers import AutoencoderOobleck

from model.acestep.networks.vae import Vae
from model.acestep.networks.vae_streaming import pieces, stream_decode, stream_encode
from model.acestep.networks.vae_tiling import decode_tile, encode_tiled, tiles
from tests.model.acestep.golden_data import worst
from tests.parity.peer import drawn, read_vae, write_vae

TOLERANCE = 1e-5
OVERLAP = 16  # two blocks of short strides reach further than the 9 frames of the published five
SIZES: dict[str, dict[str, Any]] = {
    "published strides": {},
    "two blocks": {
        "downsampling_ratios": [2, 6],
        "channel_multiples": [1, 3],
        "decoder_channels": 6,
    },
    "other widths each way": {"encoder_hidden_size": 16, "decoder_channels": 2, "audio_channels": 1},
}

Pair = tuple[AutoencoderOobleck, Vae]


@pytest.fixture(
    name="pair", scope="module", params=[(name, seed) for seed in (1, 2) for name in SIZES], ids=str
)
def _pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    name, seed = request.param
    folder = tmp_path_factory.mktemp("vae")
    return write_vae(folder, seed, **SIZES[name]), read_vae(folder)


def latents(pair: Pair, batch: int, frames: int) -> torch.Tensor:
    return drawn(batch, pair[1].config.latent_channels, frames, seed=frames)


@pytest.mark.parametrize("frames", [1, 2, 7, 25])
def test_decode(pair: Pair, frames: int) -> None:
    peer, ours = pair
    given = latents(pair, 2, frames)
    theirs = peer.decode(given).sample
    assert float(theirs.abs().max()) > 0.05, "nothing is compared if the network is silent"
    assert worst(ours.decode(given), theirs) <= TOLERANCE


def test_decode_in_tiles_and_streamed(pair: Pair) -> None:
    peer, ours = pair
    given = latents(pair, 1, 45)
    theirs = peer.decode(given).sample
    tiled = [decode_tile(ours, given, tile) for tile in tiles(45, 40, OVERLAP)]
    assert worst(torch.cat(tiled, dim=2), theirs) <= TOLERANCE
    assert worst(torch.cat(list(stream_decode(ours, pieces(given, 8, 3))), dim=2), theirs) <= TOLERANCE


@pytest.mark.parametrize("extra_samples", [0, 1, -1])
@pytest.mark.parametrize("frames", [2, 9])
def test_encode(pair: Pair, frames: int, extra_samples: int) -> None:
    peer, ours = pair
    config = ours.config
    audio = 0.3 * drawn(2, config.audio_channels, frames * config.hop + extra_samples, seed=frames)
    theirs, found = peer.encode(audio).latent_dist, ours.encode(audio)
    assert worst(found.mean, theirs.mean) <= TOLERANCE
    assert worst(found.deviation, theirs.std) <= TOLERANCE
    torch.manual_seed(5)
    wanted = theirs.sample()
    torch.manual_seed(5)
    assert worst(found.sample(torch.randn(wanted.shape)), wanted) <= TOLERANCE


def test_encode_in_tiles_and_streamed(pair: Pair) -> None:
    peer, ours = pair
    config = ours.config
    audio = 0.3 * drawn(1, config.audio_channels, 40 * config.hop, seed=6)
    theirs = peer.encode(audio).latent_dist
    assert worst(encode_tiled(ours, audio, 39, OVERLAP).mean, theirs.mean) <= TOLERANCE
    streamed = [part.mean for part in stream_encode(ours, pieces(audio, 7 * config.hop))]
    assert worst(torch.cat(streamed, dim=2), theirs.mean) <= TOLERANCE
