"""What a task shows the network: source channels and mask channels, frame by frame.

Knows tasks, latent frames and silence latents; no seconds, no audio.
Context for the network is [B, T, 128]: 64 source channels, then 64 mask channels.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch
from torch import Tensor

from model.acestep.weights.capabilities import ModelTask

Region = tuple[int, int]
"""Half-open range of latent frames."""

_TASKS_WITH_REGION = (ModelTask.REPAINT, ModelTask.LEGO)


class MaskMode(enum.Enum):
    """What the mask channels say when only a region is to change."""

    EXPLICIT = "explicit"  # 1 inside the region, 0 outside: what the network was first published with
    AUTO = "auto"  # 1 everywhere, as the application has done since 2026; only silence marks the region


@dataclass(frozen=True)
class TaskMasks:
    """chunk: float32 [T], the mask channels. silenced: frames whose source is replaced by silence.

    region: bool [T], True where audio is rendered anew, None when that is everywhere.
    from_codes: the source passes through tokenizer and detokenizer before the network sees it.
    """

    chunk: Tensor
    silenced: Region | None
    region: Tensor | None
    from_codes: bool


def task_masks(
    task: ModelTask,
    frames: int,
    region: Region | None = None,
    mode: MaskMode = MaskMode.EXPLICIT,
    *,
    has_codes: bool = False,
) -> TaskMasks:
    """Masks of a task over `frames` latent frames. Only repaint and lego have a region; the others ignore it.

    Raises ValueError when the region does not lie within the frames.
    """
    everywhere = torch.ones(frames)
    from_codes = has_codes or task is ModelTask.COVER
    # Codes always take the source's place, so nothing is left to keep.
    if task not in _TASKS_WITH_REGION or region is None or has_codes:
        nothing_to_hear = task is ModelTask.TEXT2MUSIC and not has_codes
        return TaskMasks(everywhere, (0, frames) if nothing_to_hear else None, None, from_codes)
    first, end = region
    if not 0 <= first < end <= frames:
        raise ValueError(f"region {first}..{end} must lie within 0..{frames} and hold a frame")
    inside = torch.zeros(frames, dtype=torch.bool)
    inside[first:end] = True
    chunk = inside.float() if mode is MaskMode.EXPLICIT else everywhere
    return TaskMasks(chunk, region if task is ModelTask.REPAINT else None, inside, from_codes)


def with_silence(source: Tensor, silence: Tensor, silenced: Region | None) -> Tensor:
    """Source latents [B, T, C], the region replaced by silence *of the same frames*; silence [1, >=T, C]."""
    if silenced is None:
        return source
    first, end = silenced
    quiet = source.clone()
    quiet[:, first:end] = silence[:, first:end].to(source)
    return quiet


def padded_with_silence(latents: Tensor, silence: Tensor, frames: int) -> Tensor:
    """Latents [B, t, C] made `frames` long by the *first* frames of silence; longer ones as they are."""
    missing = frames - latents.shape[1]
    if missing <= 0:
        return latents
    filler = silence[:, :missing].to(latents).expand(latents.shape[0], -1, -1)
    return torch.cat([latents, filler], dim=1)


def context_latents(source: Tensor, chunk: Tensor) -> Tensor:
    """[B, T, 64] and [T] -> [B, T, 128], source channels first."""
    mask = chunk.to(source)[None, :, None].expand_as(source)
    return torch.cat([source, mask], dim=-1)
