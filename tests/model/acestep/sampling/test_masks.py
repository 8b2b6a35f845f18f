"""Task wiring against what the reference application builds."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.sampling import masks
from model.acestep.sampling.masks import MaskMode, TaskMasks, task_masks
from model.acestep.weights.capabilities import ModelTask
from tests.model.acestep.golden_data import table

CASES = table("handler_masks")["cases"]


def region_of(case: dict[str, Any]) -> masks.Region | None:
    """The region the reference application takes for a case's seconds: both ends rounded down, at least one frame."""
    start, end, frames = case["repainting_start_s"], case["repainting_end_s"], case["latent_frames"]
    if start is None:
        return None
    if start < 0:  # both are moved by the audio put in front
        start, end = 0.0, end - start
    if end <= start:
        return None
    first = min(math.floor(start * FRAMES_PER_SECOND), frames - 1)
    return first, max(first + 1, min(math.floor(end * FRAMES_PER_SECOND), frames))


def built(case: dict[str, Any]) -> TaskMasks:
    return task_masks(
        ModelTask(case["task_type"]),
        case["latent_frames"],
        region_of(case),
        MaskMode(case["chunk_mask_mode"] or "explicit"),
        has_codes=case["has_audio_codes"],
    )


def unrolled(runs: list[list[int]], frames: int) -> torch.Tensor:
    row = torch.full((frames,), -1.0)
    for first, end, value in runs:
        row[first:end] = value
    return row


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_masks_of_the_reference(case: dict[str, Any]) -> None:
    ours, frames = built(case), case["latent_frames"]
    assert torch.equal(ours.chunk, unrolled(case["chunk_mask"], frames))
    assert ours.from_codes == case["is_cover"]
    silent = [(first, end) for first, end, what in case["src"] if what == "silence"]
    assert [ours.silenced] == (silent or [None])
    if case["repaint_mask"] is None:
        assert ours.region is None
    else:
        assert ours.region is not None
        assert torch.equal(ours.region.float(), unrolled(case["repaint_mask"], frames))


def test_the_mask_is_the_region_by_default() -> None:
    assert task_masks(ModelTask.REPAINT, 10, (2, 5)).chunk.tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("region", [(5, 5), (-1, 4), (3, 11)])
def test_a_region_outside_the_frames_is_refused(region: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="region"):
        task_masks(ModelTask.REPAINT, 10, region)


def counted(frames: int) -> torch.Tensor:
    """Latents [1, T, 64] that hold their own frame number."""
    return torch.arange(frames, dtype=torch.float32)[None, :, None].expand(1, -1, 64)


def test_silence_is_taken_at_the_frames_it_replaces() -> None:
    silenced = masks.with_silence(-counted(10) - 1, counted(20), (3, 6))
    assert silenced[0, :, 0].tolist() == [-1, -2, -3, 3, 4, 5, -7, -8, -9, -10]


def test_padding_is_always_the_first_silence() -> None:
    padded = masks.padded_with_silence(torch.full((2, 3, 64), 7.0), counted(20), 5)
    assert padded[1, :, 5].tolist() == [7, 7, 7, 0, 1]
    assert masks.padded_with_silence(padded, counted(20), 4) is padded


def test_the_context_is_source_then_mask() -> None:
    context = masks.context_latents(counted(4), torch.tensor([0.0, 1.0, 1.0, 0.0]))
    assert context.shape == (1, 4, 128)
    assert torch.equal(context[..., :64], counted(4))
    assert context[0, :, 64].tolist() == context[0, :, 127].tolist() == [0, 1, 1, 0]
