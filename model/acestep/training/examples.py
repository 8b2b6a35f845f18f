"""What one training step sees: a random crop of a song, with noise, a time and the context of a task.

Example number n of a seed is always the same, whatever was drawn before it, so a training that was killed goes on with
the same examples and needs no generator's state. Shapes: T latent frames, S condition tokens, C condition width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.acestep.sampling.masks import (
    MaskMode,
    Region,
    context_latents,
    padded_with_silence,
    task_masks,
    with_silence,
)
from model.acestep.training.prepared_song import PreparedSong
from model.acestep.training.training_settings import TrainingSettings
from model.acestep.weights.capabilities import ModelTask

TIME_MEAN, TIME_DEVIATION = -0.4, 1.0  # of a time's logit, as the checkpoints were trained
REGION_SHARES = (0.1, 0.9)  # of an example's frames, at least and at most


@dataclass(frozen=True)
class Example:
    """latents, noise: [1, T, 64]. time: [1], 0 = song, 1 = noise. context: [1, T, 128]. states: [1, S, C].

    dropout_seed: of the adapter's dropout in this example. region: half-open frames; None = the whole example.
    """

    song: str
    latents: Tensor
    noise: Tensor
    time: Tensor
    context: Tensor
    states: Tensor
    dropout_seed: int
    region: Region | None


class Examples:
    """Endless examples of some songs by number. silence: latents of silence [1, 128 or more, 64].

    nothing: the encoder state of no prompt, [1, 1, C]. purpose: numbers of another purpose are other examples.
    """

    def __init__(
        self,
        songs: Sequence[PreparedSong],
        silence: Tensor,
        nothing: Tensor,
        settings: TrainingSettings,
        purpose: str = "train",
    ) -> None:
        if not songs:
            raise ValueError("training needs at least one song")
        self._songs = tuple(songs)
        self._silence = silence.float().cpu()
        self._nothing = nothing.float().cpu()
        self._settings = settings
        self._purpose = purpose

    def __getitem__(self, number: int) -> Example:
        source = self._generator("example", number)
        song = self._song(number)
        frames = min(song.frames, self._settings.crop_frames)
        first = _whole(source, song.frames - frames + 1)
        cut = slice(first, first + frames)
        drawn = torch.randn(frames, song.mean.shape[1], generator=source)
        latents = (song.mean[cut] + song.deviation[cut] * drawn)[None]
        region = self._region(source, frames)
        task = ModelTask.TEXT2MUSIC if region is None else ModelTask.REPAINT
        dropped = _share(source) < self._settings.condition_dropout
        return Example(
            song=song.name,
            latents=latents,
            noise=torch.randn(latents.shape, generator=source),
            time=_time(source),
            context=task_context(task, latents, self._silence, region),
            states=self._nothing if dropped else song.states[task][None],
            dropout_seed=_whole(source, 2**31),
            region=region,
        )

    def _song(self, number: int) -> PreparedSong:
        """Every song once, in another order each time."""
        epoch, place = divmod(number, len(self._songs))
        order = torch.randperm(len(self._songs), generator=self._generator("order", epoch))
        return self._songs[int(order[place])]

    def _region(self, source: torch.Generator, frames: int) -> Region | None:
        """Drawn whether it is used or not, so that the share changes nothing else of an example."""
        wanted, share, place = _share(source), _share(source), _share(source)
        if wanted >= self._settings.region_share or frames < 2:
            return None
        least, most = REGION_SHARES
        length = min(frames - 1, max(1, round(frames * (least + (most - least) * share))))
        first = min(frames - length, int(place * (frames - length + 1)))
        return first, first + length

    def _generator(self, what: str, number: int) -> torch.Generator:
        name = f"{self._settings.seed}:{self._purpose}:{what}:{number}"
        digest = hashlib.sha256(name.encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def task_context(task: ModelTask, latents: Tensor, silence: Tensor, region: Region | None) -> Tensor:
    """The transformer's context as renders make it: silence where the task re-renders, and an explicit mask."""
    frames = latents.shape[1]
    masks = task_masks(task, frames, region, MaskMode.EXPLICIT)
    quiet = padded_with_silence(silence[:, :frames], silence, frames)
    return context_latents(with_silence(latents, quiet, masks.silenced), masks.chunk)


def _time(source: torch.Generator) -> Tensor:
    """The larger of two times whose logits are normally distributed, [1]."""
    logits = TIME_MEAN + TIME_DEVIATION * torch.randn(2, generator=source)
    return torch.sigmoid(logits).max()[None]


def _share(source: torch.Generator) -> float:
    return float(torch.rand((), generator=source))


def _whole(source: torch.Generator, count: int) -> int:
    return int(torch.randint(count, (), generator=source))
