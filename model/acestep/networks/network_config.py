"""The sizes of all networks of one checkpoint, read from the fields of its config files.

The published sizes are in the table at the end; a checkpoint's own config.json always takes precedence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.acestep.networks.attention import BlockShape
from model.acestep.networks.audio_tokenizer import AudioTokenizerConfig
from model.acestep.networks.condition_encoder import ConditionEncoderConfig
from model.acestep.networks.dit import DitConfig
from model.acestep.networks.fsq import LEVELS
from model.acestep.networks.vae import VaeConfig
from model.errors import NotLoaded

SLIDING = "sliding_attention"


@dataclass(frozen=True)
class NetworkConfig:
    """One checkpoint: transformer, condition encoder, audio tokenizer and detokenizer."""

    dit: DitConfig
    conditions: ConditionEncoderConfig
    tokens: AudioTokenizerConfig

    @property
    def size(self) -> str:
        """The matching published size: "2B", "XL", or "unpublished"."""
        return next((name for name, known in PUBLISHED.items() if known == self), "unpublished")


def _block(fields: Mapping[str, Any], prefix: str = "") -> BlockShape:
    """The layer sizes with `prefix`; fields without a prefixed variant fall back to the plain one."""

    def size(name: str) -> int:
        value = fields.get(prefix + name)
        return int(fields[name] if value is None else value)

    return BlockShape(
        width=size("hidden_size"),
        inner_width=size("intermediate_size"),
        heads=size("num_attention_heads"),
        key_heads=size("num_key_value_heads"),
        head_width=int(fields["head_dim"]),
        window=int(fields["sliding_window"]),
        rotary_base=float(fields["rope_theta"]),
        norm_floor=float(fields["rms_norm_eps"]),
    )


def _sliding(fields: Mapping[str, Any]) -> tuple[bool, ...]:
    """Which transformer layers are sliding; without a list, every other one from the first."""
    layers = int(fields["num_hidden_layers"])
    if not fields.get("use_sliding_window", True):
        return (False,) * layers
    kinds = fields.get("layer_types") or [
        SLIDING if index % 2 == 0 else "full_attention" for index in range(layers)
    ]
    if len(kinds) != layers:
        raise ValueError(f"layer_types lists {len(kinds)} layers, but num_hidden_layers is {layers}")
    return tuple(kind == SLIDING for kind in kinds)


def config_from_fields(fields: Mapping[str, Any], where: str) -> NetworkConfig:
    """The networks described by a config.json. Raises NotLoaded, naming `where`, for an invalid one."""
    try:
        return _config_from_fields(fields)
    except KeyError as missing:
        raise NotLoaded(
            f"The field {missing} is missing in {where}.", "Download that file again."
        ) from missing
    except (TypeError, ValueError) as wrong:
        raise NotLoaded(f"{where} describes a network that cannot exist: {wrong}.") from wrong


def _config_from_fields(fields: Mapping[str, Any]) -> NetworkConfig:
    encoder = _block(fields, "encoder_")
    latent_channels = int(fields["audio_acoustic_hidden_dim"])
    return NetworkConfig(
        dit=DitConfig(
            block=_block(fields),
            sliding=_sliding(fields),
            condition_width=encoder.width,
            latent_channels=latent_channels,
            context_channels=int(fields["in_channels"]) - latent_channels,
            patch=int(fields["patch_size"]),
        ),
        conditions=ConditionEncoderConfig(
            block=encoder,
            text_width=int(fields["text_hidden_dim"]),
            timbre_channels=int(fields["timbre_hidden_dim"]),
            lyric_layers=int(fields["num_lyric_encoder_hidden_layers"]),
            timbre_layers=int(fields["num_timbre_encoder_hidden_layers"]),
            # Only XL checkpoints were trained with the token, and only their encoder's size differs from the
            # transformer's. Some diffusers folders give the encoder's size even if it is equal.
            timbre_token=fields.get("encoder_hidden_size") not in (None, fields["hidden_size"]),
        ),
        tokens=AudioTokenizerConfig(
            block=encoder,
            latent_channels=latent_channels,
            pool=int(fields["pool_window_size"]),
            layers=int(fields["num_attention_pooler_hidden_layers"]),
            # diffusers writes null for fields at their default.
            levels=tuple(int(level) for level in fields["fsq_input_levels"] or LEVELS),
        ),
    )


def vae_from_fields(fields: Mapping[str, Any], where: str) -> VaeConfig:
    """The autoencoder described by a config.json. Raises NotLoaded, naming `where`."""
    try:
        return VaeConfig(
            audio_channels=int(fields["audio_channels"]),
            latent_channels=int(fields["decoder_input_channels"]),
            encoder_width=int(fields["encoder_hidden_size"]),
            decoder_width=int(fields["decoder_channels"]),
            multiples=tuple(int(multiple) for multiple in fields["channel_multiples"]),
            strides=tuple(int(stride) for stride in fields["downsampling_ratios"]),
            rate=int(fields["sampling_rate"]),
        )
    except KeyError as missing:
        raise NotLoaded(
            f"The field {missing} is missing in {where}.", "Download that file again."
        ) from missing
    except (TypeError, ValueError) as wrong:
        raise NotLoaded(f"{where} describes an autoencoder that cannot exist: {wrong}.") from wrong


def _published(dit: BlockShape, layers: int, timbre_token: bool) -> NetworkConfig:
    encoder = BlockShape(width=2048, inner_width=6144, heads=16, key_heads=8, head_width=128)
    return NetworkConfig(
        dit=DitConfig(dit, tuple(index % 2 == 0 for index in range(layers)), condition_width=encoder.width),
        conditions=ConditionEncoderConfig(encoder, timbre_token=timbre_token),
        tokens=AudioTokenizerConfig(encoder, levels=LEVELS),
    )


PUBLISHED: Mapping[str, NetworkConfig] = {
    "2B": _published(BlockShape(2048, 6144, 16, 8, 128), layers=24, timbre_token=False),
    "XL": _published(BlockShape(2560, 9728, 32, 8, 128), layers=32, timbre_token=True),
}
