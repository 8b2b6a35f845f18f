"""The render that is under way, as far as it has come: its pieces lie in the scratch folder while the engine works.

The worker reports here; whoever wants to hear a take before it is finished looks here. Lives on the event loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge_server.engines.child import stem_path
from bridge_server.engines.messages import ChildPiece
from bridge_server.jobs.job import Job
from bridge_server.rendering.plan import Plan
from bridge_server.rendering.postprocess import HANDLES
from bridge_server.songs.sources import Song
from clip_store.take import MIX, Take

log = logging.getLogger(__name__)


@dataclass(eq=False)
class PartialRender:
    """One take that is being rendered.

    stem:      what is heard of it: the mix, or else the first stem the engine delivers.
    announced: frames of it the engine has written.
    samples:   float32 [region, channels], of which `ready` frames have been read.
    """

    job: Job
    number: int
    plan: Plan
    song: Song | None
    folder: Path
    stem: str = ""
    announced: int = 0
    ready: int = 0
    samples: NDArray[np.float32] | None = None

    def hear(self, piece: ChildPiece) -> bool:
        """Notes what the engine has written; False when it is not what is heard."""
        if piece.stem == HANDLES or (self.stem and piece.stem != self.stem):
            return False
        region = self.plan.region_in_song
        if piece.start != region.start + self.announced or self.announced + piece.frames > region.length:
            return False  # not what was asked for; finishing says so
        self.stem = piece.stem
        self.announced += piece.frames
        return True

    def catch_up(self) -> None:
        """Reads what has been announced. Slow, for a thread, one at a time; less is read when the files have gone."""
        width, missing = self.plan.channels, self.announced - self.ready
        if missing <= 0:
            return
        if self.samples is None:
            self.samples = np.zeros((self.plan.region.length, width), np.float32)
        path = stem_path(self.folder, self.stem)
        try:
            found = np.fromfile(path, "<f4", missing * width, offset=self.ready * width * 4)
        except OSError:  # finished meanwhile, and tidied away
            return
        if len(found) == missing * width and np.isfinite(found).all():
            self.samples[self.ready : self.ready + missing] = found.reshape(-1, width)
            self.ready += missing


Hook = Callable[[PartialRender, tuple[Take, ...]], None]
"""Called when a render has begun or grown, and, with its takes, when they are in the store."""

OverHook = Callable[[str], None]
"""Called with the id of a job that has ended, however it did."""


class PartialRenders:
    """The one render under way, and who wants to hear of it."""

    def __init__(self) -> None:
        self.current: PartialRender | None = None
        self._hooks: list[Hook] = []
        self._over_hooks: list[OverHook] = []

    def when_changed(self, hook: Hook, over: OverHook) -> None:
        self._hooks.append(hook)
        self._over_hooks.append(over)

    def begin(self, render: PartialRender) -> None:
        self.current = render
        self._tell(render, ())

    def piece(self, piece: ChildPiece) -> None:
        """The engine has written more of a stem."""
        if self.current is not None and self.current.hear(piece):
            self._tell(self.current, ())

    def finish(self, takes: tuple[Take, ...]) -> None:
        """The render's takes are in the store."""
        render, self.current = self.current, None
        if render is not None:
            self._tell(render, takes)

    def over(self, job: str) -> None:
        """A job has ended, whether it was begun or not."""
        self.current = None if self.current is not None and self.current.job.id == job else self.current
        for hook in self._over_hooks:
            self._guarded(job, hook, job)

    def _tell(self, render: PartialRender, takes: tuple[Take, ...]) -> None:
        for hook in self._hooks:
            self._guarded(render.job.id, hook, render, takes)

    def _guarded(self, job: str, hook: Callable[..., None], *given: object) -> None:
        try:
            hook(*given)
        except Exception:  # who listens must never spoil the render
            log.exception("a listener to job %s met a bug", job)


def heard_take(render: PartialRender, takes: tuple[Take, ...]) -> Take | None:
    """The finished take of what was heard while it was rendered."""
    return next((take for take in takes if take.stem == (render.stem or MIX)), takes[0] if takes else None)
