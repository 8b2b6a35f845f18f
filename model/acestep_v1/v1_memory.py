"""Plans a render's memory, phase by phase, before it starts. Arithmetic on sizes; reads no weights, touches no device.

Phases run one after another, so with offloading only one phase's weights are on the device. Long windows are decoded in
parts, which changes nothing but the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from model.acestep.device.memory_plan import GIGABYTE, RESERVE, Need, Phase
from model.acestep_v1.frame_window import FRAME, SECONDS
from model.acestep_v1.networks.codec_network import DECODER_CONTEXT
from model.errors import CannotRender

DECODE_FRAMES = (64, 32, 16, 8)
"""Latent frames at once, best first."""
_VOCODER_CONTEXT = 12
_FULL_PICTURES = 5  # of the decoder's widest stage alive at once
_WAVES = 6  # of the vocoder's widest stage alive at once, one channel at a time
_LYRIC_HEADS = 16
_SLACK = 1.25


@dataclass(frozen=True)
class V1Sizes:
    """Parameters of each network, and the widths its working memory depends on.

    picture_width: channels of the decoder at full resolution. deep_width: at the latents' resolution. wave_width:
    numbers per sample of audio in the vocoder's largest stage.
    """

    text_encoder: int
    condition: int
    transformer: int
    codec: int
    vocoder: int
    width: int
    inner: int
    layers: int
    picture_width: int
    deep_width: int
    wave_width: int


@dataclass(frozen=True)
class V1Work:
    """The size of a render. branches: conditions in memory. tokens: of prompt, lyrics and singer. source: to encode."""

    frames: int
    branches: int = 2
    tokens: int = 1 + 256 + 2048
    source: bool = True


@dataclass(frozen=True)
class V1Placement:
    """number_bytes, transformer_bytes: per number. offload: only the running phase's weights are on the device."""

    number_bytes: int = 2
    transformer_bytes: int = 2
    offload: bool = False
    decode_frames: int = DECODE_FRAMES[0]


def needs_of(sizes: V1Sizes, work: V1Work, placement: V1Placement) -> tuple[Need, ...]:
    """What each phase needs."""
    own = _weights(sizes, placement)
    resident = sum(size for phase, size in own.items() if phase is not Phase.ENCODE)
    phases = [phase for phase in Phase if work.source or phase is not Phase.ENCODE]
    return tuple(
        Need(phase, own[phase] if placement.offload else resident, _working(sizes, work, placement, phase))
        for phase in phases
    )


def place_v1(
    sizes: V1Sizes, work: V1Work, free: int, number_bytes: int, transformer_bytes: int
) -> V1Placement:
    """The fastest placement that fits into `free` bytes. Raises CannotRender with what is needed and a remedy."""
    fastest = V1Placement(number_bytes, transformer_bytes)
    tried = [
        replace(fastest, offload=offload, decode_frames=frames)
        for offload in (False, True)
        for frames in DECODE_FRAMES
    ]
    for placement in tried:
        if _peak(sizes, work, placement).total + RESERVE <= free:
            return placement
    raise _too_large(sizes, work, tried[-1], free)


def _peak(sizes: V1Sizes, work: V1Work, placement: V1Placement) -> Need:
    return max(needs_of(sizes, work, placement), key=lambda need: need.total)


def _weights(sizes: V1Sizes, placement: V1Placement) -> dict[Phase, int]:
    codec = (sizes.codec + sizes.vocoder) * placement.number_bytes
    return {
        Phase.TEXT: sizes.text_encoder * placement.number_bytes,
        Phase.ENCODE: codec,
        Phase.CONDITION: sizes.condition * placement.number_bytes,
        Phase.DENOISE: sizes.transformer * placement.transformer_bytes,
        Phase.DECODE: codec,
    }


def _working(sizes: V1Sizes, work: V1Work, placement: V1Placement, phase: Phase) -> int:
    """Bytes alive besides the weights."""
    number = placement.number_bytes
    if phase is Phase.DENOISE:
        keys = work.branches * work.tokens * sizes.layers * 2 * sizes.width * placement.transformer_bytes
        block = max(8 * sizes.width * 4, 5 * sizes.inner * placement.transformer_bytes)
        return round(_SLACK * work.frames * block) + keys
    if phase in (Phase.ENCODE, Phase.DECODE):
        at_once = min(work.frames, placement.decode_frames + 2 * (DECODER_CONTEXT + _VOCODER_CONTEXT))
        picture = at_once * 8 * 128 * sizes.picture_width * _FULL_PICTURES * number
        deep = work.frames * 16 * sizes.deep_width * (16 * number + 12 * 4)  # the attention sums in float32
        wave = at_once * FRAME * sizes.wave_width * _WAVES * number
        return round(_SLACK * (max(picture, deep) + wave))
    return round(_SLACK * work.tokens * (16 * sizes.width * number + 6 * work.tokens * _LYRIC_HEADS * number))


def _too_large(sizes: V1Sizes, work: V1Work, smallest: V1Placement, free: int) -> CannotRender:
    peak = _peak(sizes, work, smallest)
    return CannotRender(
        f"This render needs {(peak.total + RESERVE) / GIGABYTE:.1f} GB while {peak.phase.value} "
        f"{work.frames * SECONDS:.0f} s, but the device has {free / GIGABYTE:.1f} GB free.",
        "Select a shorter region with less context, or free memory on the device.",
    )
