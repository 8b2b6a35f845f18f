"""The network's context for each task: source channels and mask channels, frame by frame.

Knows tasks, latent frames and silence latents; no seconds, no audio.
The context is [B, T, 128]: 64 source channels, then 64 mask channels.
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
    """The mask channels if only a region changes."""

    EXPLICIT = "explicit"  # 1 inside the region, 0 outside, as in the original publication
    AUTO = "auto"  # 1 everywhere, as in the official application since 2026; only silence marks the region


@dataclass(frozen=True)
class TaskMasks:
    """The masks of a task.

    chunk: float32 [T], the mask channels. silenced: frames whose source is replaced by silence.
    region: bool [T], True where audio is re-rendered; None = everywhere.
    from_codes: the source passes through tokenizer and detokenizer first.
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

    Raises ValueError if the region is not within the frames.
    """
    everywhere = torch.ones(frames)
    from_codes = has_codes or task is ModelTask.COVER
    # Codes always replace the whole source, so there is nothing to keep.
    if task not in _TASKS_WITH_REGION or region is None or has_codes:
        without_source = task is ModelTask.TEXT2MUSIC and not has_codes
        return TaskMasks(everywhere, (0, frames) if without_source else None, None, from_codes)
    first, end = region
    if not 0 <= first < end <= frames:
        raise ValueError(f"region {first}..{end} must be within 0..{frames} and contain a frame")
    inside = torch.zeros(frames, dtype=torch.bool)
    inside[first:end] = True
    chunk = inside.float() if mode is MaskMode.EXPLICIT else everywhere
    return TaskMasks(chunk, region if task is ModelTask.REPAINT else None, inside, from_codes)


def with_silence(source: Tensor, silence: Tensor, silenced: Region | None) -> Tensor:
    """Source latents [B, T, C] with the region replaced by silence *of the same frames*; silence [1, >=T, C]."""
    if silenced is None:
        return source
    first, end = silenced
    quiet = source.clone()
    quiet[:, first:end] = silence[:, first:end].to(source)
    return quiet


def padded_with_silence(latents: Tensor, silence: Tensor, frames: int) -> Tensor:
    """Latents [B, t, C] padded to `frames` with the *first* frames of silence; longer ones unchanged."""
    missing = frames - latents.shape[1]
    if missing <= 0:
        return latents
    filler = silence[:, :missing].to(latents).expand(latents.shape[0], -1, -1)
    return torch.cat([latents, filler], dim=1)


def context_latents(source: Tensor, chunk: Tensor) -> Tensor:
    """[B, T, 64] and [T] -> [B, T, 128], source channels first."""
    mask = chunk.to(source)[None, :, None].expand_as(source)
    return torch.cat([source, mask], dim=-1)
