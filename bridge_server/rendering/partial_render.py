"""The render in progress: its pieces are in the scratch folder while the engine works.

The worker reports here; the audition plays from here. Lives on the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge_server.engines.child import stem_path
from bridge_server.engines.messages import ChildPiece
from bridge_server.jobs.job import Job
from bridge_server.rendering.plan import Plan
from bridge_server.rendering.postprocess import HANDLES
from bridge_server.sessions.events import Event, Events
from bridge_server.songs.sources import Song
from clip_store.take import MIX, Take


@dataclass(eq=False)
class PartialRender:
    """One take that is being rendered.

    stem:      the part that plays: the mix, or else the first stem the engine delivers.
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

    def accept(self, piece: ChildPiece) -> bool:
        """Notes what the engine has written; False for other stems."""
        if piece.stem == HANDLES or (self.stem and piece.stem != self.stem):
            return False
        region = self.plan.region_in_song
        if piece.start != region.start + self.announced or self.announced + piece.frames > region.length:
            return False  # not the region requested; postprocessing reports it
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


@dataclass(frozen=True)
class RenderGrew(Event):
    """A render has begun, or the engine has written more of it."""

    render: PartialRender


@dataclass(frozen=True)
class RenderFinished(Event):
    """A render's takes are in the store."""

    render: PartialRender
    takes: tuple[Take, ...]


class PartialRenders:
    """The one render under way; publishes how it grows."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.current: PartialRender | None = None

    def begin(self, render: PartialRender) -> None:
        self.current = render
        self._events.publish(RenderGrew(render))

    def piece(self, piece: ChildPiece) -> None:
        """The engine has written more of a stem."""
        if self.current is not None and self.current.accept(piece):
            self._events.publish(RenderGrew(self.current))

    def finish(self, takes: tuple[Take, ...]) -> None:
        """The render's takes are in the store."""
        render, self.current = self.current, None
        if render is not None:
            self._events.publish(RenderFinished(render, takes))

    def over(self, job: str) -> None:
        """A job has ended, whether it was begun or not."""
        if self.current is not None and self.current.job.id == job:
            self.current = None


def auditioned_take(render: PartialRender, takes: tuple[Take, ...]) -> Take | None:
    """The finished take of the stem that played while it was rendered; None if there are no takes."""
    return next((take for take in takes if take.stem == (render.stem or MIX)), takes[0] if takes else None)
