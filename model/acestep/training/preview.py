"""A few seconds rendered with an adapter as it is during its training, always with the same prompt and seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.acestep.conditioning.request_plan import plan_render
from model.acestep.device.parts import StoredParts
from model.acestep.latent_grid import FRAMES_PER_SECOND, MIN_FRAMES, MODEL_RATE
from model.acestep.networks.dit import Dit
from model.acestep.renderer import Renderer
from model.acestep.training.preparation import TrainingSong
from model.engine import Grid, Piece, RenderRequest, Samples, ShouldStop, Task
from model.errors import CannotRender

CHANNELS = 2
FINISHED = "finished"
"""The name of the last preview. The others have the number of their step; 0: before the first one."""
SECONDS = (MIN_FRAMES / FRAMES_PER_SECOND, 60.0)
"""How long a preview is, at least and at most."""


@dataclass(frozen=True)
class PreviewWish:
    """every: steps between two previews; 0 = none. prompt: "" = that of the first song. Raises CannotRender."""

    every: int = 0
    seconds: float = 8.0
    prompt: str = ""
    seed: int = 1

    def __post_init__(self) -> None:
        least, most = SECONDS
        if self.every < 0 or not least <= self.seconds <= most:
            raise CannotRender(
                f"A preview every {self.every} steps of {self.seconds:g} s cannot be made.",
                f"Choose 0 or more steps, and {least:g} to {most:g} seconds.",
            )


class PreviewShelf(Protocol):
    """Where previews are kept, by name."""

    def has(self, name: str) -> bool: ...

    def keep(self, name: str, samples: Samples, rate: int) -> None:
        """Raises CannotRender if the disk refuses."""


class TrainedParts(StoredParts):
    """The files of a checkpoint with one transformer of them in training, which every render takes."""

    trained: Dit | None = None

    @contextmanager
    def dit(self) -> Iterator[Dit]:
        if self.trained is None:
            with super().dit() as dit:
                yield dit
        else:
            yield self.trained


class Previews:
    """Renders the previews of one training and gives them to the shelf. The other networks are loaded for each."""

    def __init__(
        self, parts: TrainedParts, wish: PreviewWish, song: TrainingSong, shelf: PreviewShelf
    ) -> None:
        self._parts, self._wish, self._shelf = parts, wish, shelf
        self._renderer = Renderer(parts)
        self._song = song

    def is_due(self, step: int) -> bool:
        """Whether there is to be a preview after this step, and is none yet."""
        every = self._wish.every
        return every > 0 and step % every == 0 and not self._shelf.has(str(step))

    def is_due_at_the_end(self) -> bool:
        """Whether the finished adapter is to be heard, and has not been yet."""
        return self._wish.every > 0 and not self._shelf.has(FINISHED)

    def make(self, name: str, should_stop: ShouldStop) -> None:
        """Raises RenderStopped, and what the shelf raises if the disk refuses it."""
        request = self._request()
        plan = plan_render(request, self._parts.traits)
        rendered = self._renderer.render(request, plan, lambda _progress: None, should_stop)
        pieces = [piece.samples for piece in rendered if isinstance(piece, Piece)]
        self._shelf.keep(name, np.concatenate(pieces), MODEL_RATE)

    def _request(self) -> RenderRequest:
        wish, song = self._wish, self._song
        return RenderRequest(
            task=Task.GENERATE, song=None, rate=MODEL_RATE, channels=CHANNELS, start=0,
            end=round(wish.seconds * MODEL_RATE), grid=_grid(song.bpm, wish.seconds), seed=wish.seed,
            caption=wish.prompt or song.caption, key=song.key,
        )  # fmt: skip


def _grid(bpm: int | None, seconds: float) -> Grid:
    """Beats of the song's tempo in 4/4; none where it is not known."""
    beats = 0 if bpm is None else round(seconds * bpm / 60) + 8  # a bar beyond each end
    number = np.arange(beats) - (4 if beats else 0)
    return Grid(
        seconds=number * 60.0 / (bpm or 60), beat_in_bar=number % 4, bar_beats=np.full(beats, 4),
        bar=number // 4 + 1, quarters_per_minute=np.full(beats, float(bpm or 60)),
    )  # fmt: skip
