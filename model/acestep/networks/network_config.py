"""The sizes of all networks of one checkpoint, read from the fields of its config files.

The published sizes are in the table at the end; a checkpoint's own config.json always takes precedence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.acestep.networks.attention import BlockShape, alternating
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


# Far beyond every network there is, and small enough that no product of sizes leaves 64 bits.
MAX_WIDTH = 1 << 16
MAX_LAYERS = 512
MAX_FACTOR = 256
MAX_RATE = 768_000


def whole(fields: Mapping[str, Any], name: str, most: int = MAX_WIDTH) -> int:
    """A size from 1 to `most`. Raises KeyError when it is missing, ValueError naming it for anything else."""
    return _whole(fields[name], name, most)


def _whole(value: object, name: str, most: int) -> int:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= most or value != int(value):  # type: ignore[operator, call-overload]
        raise ValueError(f"{name} must be a whole number from 1 to {most}, not {str(value)[:40]}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def _whole_list(values: object, name: str) -> tuple[int, ...]:
    if not isinstance(values, (list, tuple)) or not 1 <= len(values) <= MAX_LAYERS:
        raise ValueError(f"{name} must be a list of whole numbers, not {str(values)[:40]}")
    return tuple(_whole(value, name, MAX_FACTOR) for value in values)


def _real(fields: Mapping[str, Any], name: str) -> float:
    """A finite number above 0. Raises like `whole`."""
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < MAX_REAL:
        raise ValueError(f"{name} must be a number above 0, not {str(value)[:40]}")
    return float(value)


MAX_REAL = 1e12


def _block(fields: Mapping[str, Any], prefix: str = "") -> BlockShape:
    """The layer sizes with `prefix`; fields without a prefixed variant fall back to the plain one."""

    def size(name: str) -> int:
        return whole(fields, name if fields.get(prefix + name) is None else prefix + name)

    return BlockShape(
        width=size("hidden_size"),
        inner_width=size("intermediate_size"),
        heads=size("num_attention_heads"),
        key_heads=size("num_key_value_heads"),
        head_width=whole(fields, "head_dim"),
        window=whole(fields, "sliding_window", 1 << 31),
        rotary_base=_real(fields, "rope_theta"),
        norm_floor=_real(fields, "rms_norm_eps"),
    )


def _sliding(fields: Mapping[str, Any]) -> tuple[bool, ...]:
    """Which layers are sliding, in every stack alike: the transformer's list is that of the encoders too."""
    layers = whole(fields, "num_hidden_layers", MAX_LAYERS)
    if not fields.get("use_sliding_window", True):
        return (False,) * MAX_LAYERS
    kinds = fields.get("layer_types")
    if not kinds:
        return alternating(MAX_LAYERS)
    if not isinstance(kinds, list):
        raise ValueError(f"layer_types must be a list, not {str(kinds)[:40]}")
    if len(kinds) != layers:
        raise ValueError(f"layer_types lists {len(kinds)} layers, but num_hidden_layers is {layers}")
    return tuple(kind == SLIDING for kind in kinds)


def _first(sliding: tuple[bool, ...], fields: Mapping[str, Any], name: str) -> tuple[bool, ...]:
    """Those of a stack whose number of layers is in this field. Raises like `whole`."""
    layers = whole(fields, name, MAX_LAYERS)
    if layers > len(sliding):
        raise ValueError(f"layer_types lists {len(sliding)} layers, but {name} is {layers}")
    return sliding[:layers]


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
    encoder, sliding = _block(fields, "encoder_"), _sliding(fields)
    latent_channels = whole(fields, "audio_acoustic_hidden_dim")
    return NetworkConfig(
        dit=DitConfig(
            block=_block(fields),
            sliding=_first(sliding, fields, "num_hidden_layers"),
            condition_width=encoder.width,
            latent_channels=latent_channels,
            context_channels=whole(fields, "in_channels") - latent_channels,
            patch=whole(fields, "patch_size", MAX_FACTOR),
        ),
        conditions=ConditionEncoderConfig(
            block=encoder,
            text_width=whole(fields, "text_hidden_dim"),
            timbre_channels=whole(fields, "timbre_hidden_dim"),
            lyric_sliding=_first(sliding, fields, "num_lyric_encoder_hidden_layers"),
            timbre_sliding=_first(sliding, fields, "num_timbre_encoder_hidden_layers"),
            # Only XL checkpoints were trained with the token, and only their encoder's size differs from the
            # transformer's. Some diffusers folders give the encoder's size even if it is equal.
            timbre_token=fields.get("encoder_hidden_size") not in (None, fields["hidden_size"]),
        ),
        tokens=AudioTokenizerConfig(
            block=encoder,
            latent_channels=latent_channels,
            pool=whole(fields, "pool_window_size", MAX_FACTOR),
            sliding=_first(sliding, fields, "num_attention_pooler_hidden_layers"),
            levels=_levels(fields["fsq_input_levels"]),
        ),
    )


def _levels(values: object) -> tuple[int, ...]:
    """Levels of each quantised value; diffusers writes null for fields at their default."""
    levels = _whole_list(values, "fsq_input_levels") if values else LEVELS
    if min(levels) < 2:
        raise ValueError(f"fsq_input_levels must be at least 2 each, not {min(levels)}")
    if math.prod(levels) >= MAX_CODES:
        raise ValueError(f"fsq_input_levels give {math.prod(levels)} codes, which is too many")
    return levels


MAX_CODES = 1 << 31


def vae_from_fields(fields: Mapping[str, Any], where: str) -> VaeConfig:
    """The autoencoder described by a config.json. Raises NotLoaded, naming `where`."""
    try:
        return VaeConfig(
            audio_channels=whole(fields, "audio_channels", MAX_FACTOR),
            latent_channels=whole(fields, "decoder_input_channels"),
            encoder_width=whole(fields, "encoder_hidden_size"),
            decoder_width=whole(fields, "decoder_channels"),
            multiples=_whole_list(fields["channel_multiples"], "channel_multiples"),
            strides=_whole_list(fields["downsampling_ratios"], "downsampling_ratios"),
            rate=whole(fields, "sampling_rate", MAX_RATE),
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
        dit=DitConfig(dit, alternating(layers), condition_width=encoder.width),
        conditions=ConditionEncoderConfig(encoder, timbre_token=timbre_token),
        tokens=AudioTokenizerConfig(encoder, levels=LEVELS),
    )


PUBLISHED: Mapping[str, NetworkConfig] = {
    "2B": _published(BlockShape(2048, 6144, 16, 8, 128), layers=24, timbre_token=False),
    "XL": _published(BlockShape(2560, 9728, 32, 8, 128), layers=32, timbre_token=True),
}
