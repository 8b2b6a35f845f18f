"""The autoencoder against the published code's numbers and against diffusers' class; parts against the whole."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

import torch

from model.acestep_v1.networks.codec_network import DECODER_CONTEXT, Codec, stretches
from model.acestep_v1.networks.sizes import CodecSizes, codec_sizes
from tests.model.acestep_v1.golden_v1 import tensors, tiny_codec, worst

CLOSE = 1e-5
"""Times the numbers' size: stages of the decoder reach 20."""
Fields = dict[str, Any]


def test_the_encoder_stage_by_stage():
    golden, encoder = tensors("dcae"), tiny_codec().encoder
    with torch.no_grad():
        x = encoder.conv_in(golden["mel"])
        assert worst(x[:, :, ::8], golden["enc_conv_in"]) < CLOSE
        for stage, name in enumerate(("enc_down0_2", "enc_down1_1", "enc_down2_1")):
            x = encoder.down_blocks[stage](x)
            assert worst(x[:, :, ::8], golden[name]) < CLOSE
        for index in range(2):
            x = encoder.down_blocks[3][index](x)
            assert worst(x, golden[f"enc_down3_{index}"]) < CLOSE
        assert worst(encoder(golden["mel"]), golden["encoded"]) < CLOSE


def test_the_decoder_stage_by_stage():
    golden, decoder = tensors("dcae"), tiny_codec().decoder
    with torch.no_grad():
        x = decoder.conv_in(golden["z"]) + golden["z"].repeat_interleave(4, 1)
        assert worst(x, golden["dec_conv_in"]) < CLOSE
        for stage in (3, 2, 1, 0):
            x = decoder.up_blocks[stage](x)
            kept = x[:1, :, ::8] if stage < 2 else x
            theirs = golden[f"dec_up{stage}"]
            assert worst(kept, theirs) < CLOSE * float(theirs.abs().max())
        assert worst(decoder(golden["z"]), golden["decoded"]) < CLOSE


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_windows(frames: int):
    golden, decoder = tensors("dcae"), tiny_codec().decoder
    with torch.no_grad():
        assert worst(decoder(golden["z"][:1, ..., :frames]), golden[f"decoded_w{frames}"]) < CLOSE


def test_parts_give_what_the_whole_gives():
    drawn = torch.Generator().manual_seed(2)
    codec = tiny_codec()
    latents = torch.randn(1, 8, 16, 40, generator=drawn)
    with torch.no_grad():
        seen = codec.decoder.seen(latents)
        whole = codec.decoder.widened(seen)
        for first, last, keep in stretches(40, 9, DECODER_CONTEXT):
            part = codec.decoder.widened(seen[..., first:last])[..., keep.start * 8 : keep.stop * 8]
            begin = (first + keep.start) * 8
            assert worst(part, whole[..., begin : begin + part.shape[-1]]) < CLOSE
        picture = torch.randn(1, 2, 128, 40 * 8, generator=drawn)
        assert worst(codec.encoder(picture, 9), codec.encoder(picture)) < CLOSE


FRESH: list[Fields] = [
    {"encoder_block_out_channels": [8, 8, 16, 32], "attention_head_dim": 8,
     "encoder_layers_per_block": [1, 2, 1, 1], "decoder_layers_per_block": [2, 1, 1, 2]},
    {"encoder_block_out_channels": [4, 8, 8, 16], "attention_head_dim": 4,
     "encoder_layers_per_block": [1, 1, 2, 3], "decoder_layers_per_block": [1, 2, 1, 1]},
]  # fmt: skip


@pytest.mark.parametrize("fields", FRESH)
def test_fresh_random_configurations_agree_with_diffusers(fields: Fields):
    diffusers = pytest.importorskip("diffusers", reason="the peer of this test")
    peer = diffusers.AutoencoderDC(
        in_channels=2, latent_channels=8, downsample_block_type="Conv", upsample_block_type="interpolate",
        encoder_block_types=[*["ResBlock"] * 3, "EfficientViTBlock"],
        decoder_block_types=[*["ResBlock"] * 3, "EfficientViTBlock"],
        encoder_qkv_multiscales=[[], [], [], [5]], decoder_qkv_multiscales=[[], [], [], [5]],
        decoder_block_out_channels=fields["encoder_block_out_channels"], **fields,
    ).eval()  # fmt: skip
    drawn = torch.Generator().manual_seed(3)
    weights = {
        name: torch.randn(value.shape, generator=drawn) * 0.3 for name, value in peer.state_dict().items()
    }
    ours = Codec(codec_sizes(fields))
    peer.load_state_dict(weights)
    ours.load_state_dict(weights)
    picture = torch.randn(1, 2, 128, 24, generator=drawn)
    with torch.no_grad():
        theirs = peer.encode(picture).latent
        assert worst(ours.encoder(picture), theirs) < 1e-5 * float(theirs.abs().max())
        back = peer.decode(theirs).sample
        assert worst(ours.decoder(theirs), back) < 1e-4 * float(back.abs().max())


def test_the_published_sizes_have_156_million_parameters():
    with torch.device("meta"):
        codec = Codec(CodecSizes((128, 256, 512, 1024), (2, 2, 3, 3), (3, 3, 3, 3), 32))
    assert sum(value.numel() for value in codec.parameters()) == 156_812_426
