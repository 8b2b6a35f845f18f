"""Counts the arithmetic of a repaint with ACE-Step v1: the published pipeline's own order of work, and ours.

    python -m benchmarks.v1_work

Networks of the published sizes are built without memory, so nothing is computed; multiplications and additions are
counted. The published pipeline encodes and decodes the whole song, and makes keys and values of the words anew in every
evaluation. Here the words' keys and values are made once, and after the part of the decoder that sees everything only
the region and what it depends on is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from model.acestep_v1.frame_window import FRAME, SECONDS, FrameWindow, plan_frames
from model.acestep_v1.networks.codec_network import DECODER_CONTEXT, Codec
from model.acestep_v1.networks.condition_network import ConditionNetwork
from model.acestep_v1.networks.sizes import (
    CodecSizes,
    ConditionSizes,
    LyricSizes,
    TransformerSizes,
    VocoderSizes,
)
from model.acestep_v1.networks.transformer import SongTransformer
from model.acestep_v1.networks.vocoder import CONTEXT, Vocoder
from model.acestep_v1.sampling.guidance import Guidance

RATE = 44_100
SONG, REGION = 240, (118, 122)
STEPS, VARIANCE = 60, 0.5
TEXT, LYRICS = 32, 600
TRANSFORMER = TransformerSizes(width=2560, heads=20, head_width=128, layers=24, inner=6400)
CONDITION = ConditionSizes(2560, 768, 512, 6693, LyricSizes(1024, 16, 4096, 6))
CODEC = CodecSizes((128, 256, 512, 1024), (2, 2, 3, 3), (3, 3, 3, 3), 32)
VOCODER = VocoderSizes(
    128, (128, 256, 384, 512), (3, 3, 9, 3), 1024, (4, 4, 2, 2, 2, 2, 2), (8, 8, 4, 4, 4, 4, 4),
    tuple((kernel, (1, 3, 5)) for kernel in (3, 7, 11, 13)),
)  # fmt: skip


def flops(work: Callable[[], Any]) -> float:
    """Floating-point operations of some work."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        work()
    return float(counter.get_total_flops())


def empty(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


class Counted:
    """The work of single parts for a window of some frames."""

    def __init__(self) -> None:
        with torch.device("meta"):
            self.transformer = SongTransformer(TRANSFORMER)
            self.condition = ConditionNetwork(CONDITION)
            self.codec = Codec(CODEC)
            self.vocoder = Vocoder(VOCODER)

    def words(self) -> float:
        """Prompt and lyrics through the encoder of conditions (the text encoder adds 0.02 TFLOP)."""
        ids = torch.zeros(1, LYRICS, dtype=torch.int64, device="meta")
        return flops(lambda: self.condition(empty(1, TEXT, 768), empty(1, TEXT), ids, empty(1, LYRICS)))

    def keys(self) -> float:
        """Keys and values of the words in every block."""
        states = empty(1, 1 + TEXT + LYRICS, 2560)
        blocks: Any = self.transformer.transformer_blocks
        rotary = self.transformer.rotary(states.shape[1])
        return flops(lambda: [block.cross_attn.prepare(states, None, rotary) for block in blocks])

    def evaluation(self, frames: int) -> float:
        """One pass through the transformer, without the keys and values."""
        states = empty(1, 1 + TEXT + LYRICS, 2560)
        blocks: Any = self.transformer.transformer_blocks
        rotary = self.transformer.rotary(states.shape[1])
        from model.acestep_v1.networks.transformer import ReadyCondition

        ready = ReadyCondition(tuple(block.cross_attn.prepare(states, None, rotary) for block in blocks))
        place = self.transformer.rotary(frames)
        return flops(lambda: self.transformer(empty(1, 8, 16, frames), empty(1), ready, place))

    def encode(self, frames: int) -> float:
        return flops(lambda: self.codec.encoder(empty(1, 2, 128, 8 * frames)))

    def decode(self, frames: int, wanted: tuple[int, int]) -> float:
        """The audio of some frames of a window."""
        side = -(-CONTEXT // 8)
        low, high = max(0, wanted[0] - side), min(frames, wanted[1] + side)
        wide = min(frames, high + DECODER_CONTEXT) - max(0, low - DECODER_CONTEXT)
        seen = flops(lambda: self.codec.decoder.seen(empty(1, 8, 16, frames)))
        pictures = flops(lambda: self.codec.decoder.widened(empty(1, 1024, 16, wide)))
        return seen + pictures + 2 * flops(lambda: self.vocoder(empty(1, 128, 8 * (high - low))))


def evaluations() -> int:
    """Passes through the transformer of a repaint: the last steps only, two where guidance is on."""
    first = int(STEPS * (1 - VARIANCE))
    return STEPS - first + len([step for step in Guidance().window(STEPS) if step >= first])


def window(context: float | None) -> FrameWindow:
    start, end = (second * RATE for second in REGION)
    return plan_frames(start, end, SONG * RATE - FRAME, RATE, surround_seconds=context)


def main() -> None:
    counted, passes = Counted(), evaluations()
    whole = window(None)
    rows = {
        "published": (
            2 * counted.words(), counted.encode(whole.frames),
            passes * (counted.evaluation(whole.frames) + counted.keys()),
            counted.decode(whole.frames, (0, whole.frames)),
        ),
    }  # fmt: skip
    for name, context in (("ours, whole song", None), ("ours, 16 s of context", 16.0)):
        each = window(context)
        first = (
            2 * counted.words(), counted.encode(each.frames),
            passes * counted.evaluation(each.frames) + 2 * counted.keys(),
            counted.decode(each.frames, each.wanted_frames),
        )  # fmt: skip
        rows[name] = first
        rows[f"{name}, next take"] = (0.0, 0.0, first[2], first[3])
    print(
        f"{SONG} s song, {REGION[1] - REGION[0]} s repaint, {STEPS} steps, strength {VARIANCE}: {passes} passes; TFLOP"
    )
    print(f"{'':32}{'words':>8}{'encode':>9}{'denoise':>9}{'decode':>9}{'all':>9}{'saved':>8}")
    most = sum(rows["published"])
    for name, row in rows.items():
        figures = "".join(f"{value / 1e12:9.2f}" for value in row)
        print(f"{name:32}{figures}{sum(row) / 1e12:9.2f}{1 - sum(row) / most:8.0%}")
    print(f"frames: {whole.frames} ({whole.frames * SECONDS:.0f} s), with context {window(16.0).frames}")


if __name__ == "__main__":
    main()
