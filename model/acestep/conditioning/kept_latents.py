"""Latents kept with the audio they were decoded to: the song need not be encoded when it is heard again.

Kept as NumPy's array file, float32 [T, 64], whose first frame begins with the audio's first sample. Anything else
counts as nothing kept, as in the official application.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.acestep.latent_grid import Window
from model.acestep.sampling.masks import Region, padded_with_silence
from model.engine import RenderRequest, Song, Task
from model.kept import CLIP, SONG, Kept

CHANNELS = 64
_SPLICED = (Task.REPAINT, Task.COMPLETE)


def kept_of(request: RenderRequest, window: Window, stem: str, latents: Tensor) -> Iterator[Kept]:
    """What to keep of a window's denoised latents [1, T, 64]: nothing where they do not begin with the audio.

    Mono has no latents of its own: the network's are stereo.
    """
    if request.channels != 2:
        return
    spliced = request.task in _SPLICED
    start, end = (0, max(request.end, _frames(request.song))) if spliced else (request.start, request.end)
    first, rest = divmod(start - window.origin, window.hop)
    last = first + -(-(end - start) // window.hop)
    if rest or first < 0 or last > window.frames or (spliced and request.start < 0):
        return
    yield Kept(SONG if spliced else CLIP, stem, encoded(latents[0, first:last]))


def joined(source: Tensor, rendered: Tensor, region: Region | None) -> Tensor:
    """Latents of the song as it is once the region is spliced into it, [1, T, 64]: outside it stays what it was, also
    where a render without injection made something else of it. region: None = all of it is new."""
    if region is None:
        return rendered
    whole = source.to(rendered).clone()
    whole[:, slice(*region)] = rendered[:, slice(*region)]
    return whole


def _frames(song: Song | None) -> int:
    return 0 if song is None else song.frames


def encoded(latents: Tensor) -> bytes:
    """Latents [T, 64] as bytes."""
    buffer = io.BytesIO()
    np.save(buffer, latents.detach().float().cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()


def decoded(data: bytes) -> Tensor | None:
    """Latents [T, 64] of bytes; None for anything else."""
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError):
        return None
    usable = isinstance(found, np.ndarray) and found.ndim == 2 and found.shape[1] == CHANNELS
    if not usable or found.dtype != np.float32 or not len(found) or not np.isfinite(found).all():
        return None
    return torch.from_numpy(found)


def aligned(latents: Tensor, frames: int, silence: Tensor) -> Tensor:
    """Kept latents [T, 64] for a song of so many frames, [1, frames, 64]: cut, or the first of silence appended."""
    return padded_with_silence(latents[None, :frames], silence, frames)
