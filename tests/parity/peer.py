"""Fresh random networks of diffusers, written to disk by it and read back by ours.

Nothing here is stored: sizes and seeds are below, so a mistake that the stored numbers happen not to show has many
more chances to show. diffusers is a peer of these tests alone; the product never imports it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AceStepTransformer1DModel, AutoencoderOobleck
from diffusers.pipelines.ace_step.modeling_ace_step import (
    AceStepAudioTokenDetokenizer,
    AceStepAudioTokenizer,
    AceStepConditionEncoder,
)
from torch import Tensor, nn

from model.acestep.networks.audio_tokenizer import AudioDetokenizer, AudioTokenizer
from model.acestep.networks.condition_encoder import ConditionEncoder
from model.acestep.networks.dit import Dit
from model.acestep.networks.vae import Vae
from model.acestep.weights.checkpoint import load_vae, open_weights
from model.acestep.weights.model_folders import recognise

TEXT_WIDTH = 32  # that of the small text encoder of the other tests

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "sliding_window": 3,
}
WIDER: dict[str, Any] = {
    # As in XL: another width than the encoder's, and attention wider than the rest.
    "hidden_size": 40,
    "intermediate_size": 88,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
}
ODD: dict[str, Any] = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_attention_heads": 3,
    "num_key_value_heads": 3,
    "head_dim": 12,
    "sliding_window": 128,
}


@dataclass(frozen=True)
class Sizes:
    """A checkpoint's sizes: of its encoders, what the transformer has otherwise, and its number of layers."""

    encoder: dict[str, Any]
    transformer: dict[str, Any]
    layers: int
    latents: int = 64

    @property
    def is_xl(self) -> bool:
        return bool(self.transformer)


SIZES = {
    "2B": Sizes(SMALL, {}, 4),
    "2B, five layers": Sizes(SMALL, {}, 5),
    "2B, no shared heads": Sizes(ODD, {}, 3),
    "XL": Sizes(SMALL, WIDER, 4),
}


def randomize(network: nn.Module, seed: int) -> None:
    """Weights that hide nothing: norms, biases and tables too are away from one and zero."""
    source = torch.Generator().manual_seed(seed)
    for name, weight in network.named_parameters():
        drawn = torch.randn(weight.shape, generator=source)
        if weight.ndim == 1 and "norm" in name:
            drawn = 1 + 0.2 * drawn
        elif weight.ndim == 1 or name.endswith(("alpha", "beta")):
            drawn = 0.2 * drawn
        elif name.endswith("weight_g"):
            drawn = 0.58 + 0.05 * drawn  # about the length torch starts with: the sound stays near full scale
        elif weight.ndim > 1 and name.endswith("weight"):
            drawn = drawn / weight[0].numel() ** 0.5
        weight.data = drawn
        weight.requires_grad_(False)


@dataclass(frozen=True)
class Peer:
    """diffusers' networks of one checkpoint, and the folder it wrote them to."""

    folder: Path
    transformer: AceStepTransformer1DModel
    conditions: AceStepConditionEncoder
    tokenizer: AceStepAudioTokenizer
    detokenizer: AceStepAudioTokenDetokenizer

    @property
    def silence(self) -> Tensor:
        silence = self.conditions.silence_latent
        assert isinstance(silence, Tensor)
        return silence


@dataclass(frozen=True)
class Ours:
    dit: Dit
    conditions: ConditionEncoder
    tokenizer: AudioTokenizer
    detokenizer: AudioDetokenizer
    silence: Tensor


def write_peer(folder: Path, sizes: Sizes, seed: int, *, is_turbo: bool = True) -> Peer:
    encoder, layers = sizes.encoder, sizes.layers
    peer = Peer(
        folder,
        AceStepTransformer1DModel(
            **{**encoder, **sizes.transformer},
            num_hidden_layers=layers,
            in_channels=3 * sizes.latents,
            audio_acoustic_hidden_dim=sizes.latents,
            encoder_hidden_size=encoder["hidden_size"],
            is_turbo=is_turbo,
        ),
        AceStepConditionEncoder(
            **encoder,
            text_hidden_dim=TEXT_WIDTH,
            timbre_hidden_dim=sizes.latents,
            num_lyric_encoder_hidden_layers=3,
            num_timbre_encoder_hidden_layers=2,
        ),
        AceStepAudioTokenizer(
            **encoder, fsq_dim=encoder["hidden_size"], audio_acoustic_hidden_dim=sizes.latents
        ),
        AceStepAudioTokenDetokenizer(**encoder, audio_acoustic_hidden_dim=sizes.latents),
    )
    named = {
        "transformer": peer.transformer,
        "condition_encoder": peer.conditions,
        "audio_tokenizer": peer.tokenizer,
        "audio_token_detokenizer": peer.detokenizer,
    }
    for index, (name, network) in enumerate(named.items()):
        randomize(network, 10 * seed + index)
        network.eval()
        if network is peer.conditions:
            peer.silence.copy_(drawn(*peer.silence.shape, seed=seed) * 0.7)
        network.save_pretrained(folder / name)
    return peer


def read_ours(folder: Path) -> Ours:
    weights = open_weights(recognise(folder))
    on = torch.float32, "cpu"
    return Ours(
        weights.load_dit(*on),
        weights.load_condition_encoder(*on),
        weights.load_tokenizer(*on),
        weights.load_detokenizer(*on),
        weights.silence(),
    )


def write_vae(folder: Path, seed: int, **sizes: Any) -> AutoencoderOobleck:
    """Published strides unless said otherwise, narrow layers.

    diffusers' encoder gives as many numbers as its first width: the published 128 are twice the 64 latents.
    """
    chosen = {
        "encoder_hidden_size": 8,
        "decoder_channels": 4,
        "downsampling_ratios": [2, 4, 4, 6, 10],
        "channel_multiples": [1, 2, 4, 8, 16],
        "sampling_rate": 48_000,
        **sizes,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*weight_norm.* is deprecated", FutureWarning)
        network = AutoencoderOobleck(**chosen, decoder_input_channels=chosen["encoder_hidden_size"] // 2)
    randomize(network, seed)
    network.eval()
    network.save_pretrained(folder)
    return network


def read_vae(folder: Path) -> Vae:
    return load_vae(folder, torch.float32, "cpu")


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
