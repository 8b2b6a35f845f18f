"""The sizes of the networks: from the config files, and from the tensors' shapes where no config has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import NotLoaded

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of a file's tensors by name."""

DOWNLOAD_AGAIN = "Download the model again."


@dataclass(frozen=True)
class TransformerSizes:
    """channels, bands: of the latents. inner: width of the gated convolution. rotary_base: of the positions."""

    width: int
    heads: int
    head_width: int
    layers: int
    inner: int
    channels: int = 8
    bands: int = 16
    rotary_base: float = 1_000_000.0


@dataclass(frozen=True)
class LyricSizes:
    """units: width of the feed-forward layers."""

    width: int
    heads: int
    units: int
    layers: int


@dataclass(frozen=True)
class ConditionSizes:
    """width: the transformer's. vocabulary: lyric tokens."""

    width: int
    text_width: int
    speaker_width: int
    vocabulary: int
    lyrics: LyricSizes


@dataclass(frozen=True)
class CodecSizes:
    """The autoencoder of log-mel pictures: widths and layers of its stages, finest first."""

    widths: tuple[int, ...]
    encoder_layers: tuple[int, ...]
    decoder_layers: tuple[int, ...]
    head_width: int
    audio_channels: int = 2
    latent_channels: int = 8


@dataclass(frozen=True)
class VocoderSizes:
    """dims, depths: of the backbone's stages. rates, kernels: of the upsampling layers.

    stacks: kernel and dilations of the residual stacks after each. channels: before the first upsampling layer.
    """

    mels: int
    dims: tuple[int, ...]
    depths: tuple[int, ...]
    channels: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    stacks: tuple[tuple[int, tuple[int, ...]], ...]
    backbone_kernel: int = 7
    pre_kernel: int = 13
    post_kernel: int = 13


@dataclass(frozen=True)
class MusicSizes:
    """All sizes of one checkpoint but the text encoder's, which the library reads by itself."""

    transformer: TransformerSizes
    condition: ConditionSizes
    codec: CodecSizes
    vocoder: VocoderSizes


def lyric_sizes(shapes: Shapes) -> LyricSizes:
    """The lyric encoder's sizes. Raises NotLoaded without its tensors."""
    heads = _shape(shapes, "lyric_encoder.encoders.0.self_attn.pos_bias_u")[0]
    units, width = _shape(shapes, "lyric_encoder.encoders.0.feed_forward.w_1.weight")
    return LyricSizes(width, heads, units, _count(shapes, "lyric_encoder.encoders."))


def transformer_sizes(shapes: Shapes, fields: Mapping[str, Any]) -> TransformerSizes:
    """fields: of its config.json; may be empty where a single file has none. Raises NotLoaded."""
    width = _shape(shapes, "transformer_blocks.0.attn.to_q.weight")[0]
    _, channels, bands, _ = _shape(shapes, "proj_in.early_conv_layers.0.weight")
    head_width = _number(fields, "attention_head_dim", 128)
    if width % head_width or head_width % 2:
        raise NotLoaded(
            f"The transformer is {width} wide, which does not divide into heads of {head_width}.",
            DOWNLOAD_AGAIN,
        )
    return TransformerSizes(
        width=width,
        heads=width // head_width,
        head_width=head_width,
        layers=_count(shapes, "transformer_blocks."),
        inner=_shape(shapes, "transformer_blocks.0.ff.point_conv.conv.weight")[1],
        channels=channels,
        bands=bands,
        rotary_base=float(fields.get("rope_theta", 1_000_000.0)),
    )


def condition_sizes(shapes: Shapes) -> ConditionSizes:
    """Raises NotLoaded without the tensors."""
    width, speaker = _shape(shapes, "speaker_embedder.weight")
    return ConditionSizes(
        width,
        _shape(shapes, "genre_embedder.weight")[1],
        speaker,
        _shape(shapes, "lyric_embs.weight")[0],
        lyric_sizes(shapes),
    )


def codec_sizes(fields: Mapping[str, Any]) -> CodecSizes:
    """From the autoencoder's config.json; missing fields have the published values. Raises NotLoaded."""
    usual = {"attention_head_dim": 32, "encoder_block_out_channels": (128, 256, 512, 1024)}
    usual |= {"encoder_layers_per_block": (2, 2, 3, 3), "decoder_layers_per_block": (3, 3, 3, 3)}
    known = {**usual, **fields}
    return CodecSizes(
        widths=_numbers(known, "encoder_block_out_channels"),
        encoder_layers=_numbers(known, "encoder_layers_per_block"),
        decoder_layers=_numbers(known, "decoder_layers_per_block"),
        head_width=_number(known, "attention_head_dim", 32),
        audio_channels=_number(known, "in_channels", 2),
        latent_channels=_number(known, "latent_channels", 8),
    )


def vocoder_sizes(fields: Mapping[str, Any]) -> VocoderSizes:
    """From the vocoder's config.json; missing fields have the published values. Raises NotLoaded."""
    kernels = _numbers(fields, "resblock_kernel_sizes", (3, 7, 11, 13))
    dilations = fields.get("resblock_dilation_sizes", ((1, 3, 5),) * len(kernels))
    if len(dilations) != len(kernels):
        raise NotLoaded("The vocoder's config names other kernels than dilations.", DOWNLOAD_AGAIN)
    return VocoderSizes(
        mels=_number(fields, "input_channels", 128),
        dims=_numbers(fields, "dims", (128, 256, 384, 512)),
        depths=_numbers(fields, "depths", (3, 3, 9, 3)),
        channels=_number(fields, "upsample_initial_channel", 1024),
        rates=_numbers(fields, "upsample_rates", (4, 4, 2, 2, 2, 2, 2)),
        kernels=_numbers(fields, "upsample_kernel_sizes", (8, 8, 4, 4, 4, 4, 4)),
        stacks=tuple((kernel, tuple(each)) for kernel, each in zip(kernels, dilations, strict=True)),
        backbone_kernel=_numbers(fields, "kernel_sizes", (7,))[0],
        pre_kernel=_number(fields, "pre_conv_kernel_size", 13),
        post_kernel=_number(fields, "post_conv_kernel_size", 13),
    )


def _shape(shapes: Shapes, name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise NotLoaded(f"The weights lack the tensor {name}.", DOWNLOAD_AGAIN)
    return shapes[name]


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbered parts there are under a name."""
    return len({name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)})


def _number(fields: Mapping[str, Any], name: str, usual: int) -> int:
    value = fields.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise NotLoaded(f"The config's {name} must be a whole number above 0, not {value!r}.", DOWNLOAD_AGAIN)
    return value


def _numbers(fields: Mapping[str, Any], name: str, usual: tuple[int, ...] = ()) -> tuple[int, ...]:
    value = fields.get(name, usual)
    if not isinstance(value, (list, tuple)) or not value:
        raise NotLoaded(
            f"The config's {name} must be a list of whole numbers, not {value!r}.", DOWNLOAD_AGAIN
        )
    return tuple(_number({name: each}, name, 1) for each in value)
