"""The renders in progress, by job and take: their pieces are in files while the engines work.

The job runs report here; the audition plays from here. Lives on the event loop.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bridge_server.engines.outcome import StemFile
from bridge_server.jobs.job import Job
from bridge_server.rendering.plan import Plan
from bridge_server.rendering.postprocess import HANDLES, offset_in
from bridge_server.sessions.events import Event, Events
from bridge_server.songs.sources import Song
from clip_store.take import MIX, Take


@dataclass(eq=False)
class PartialRender:
    """One take that is being rendered.

    number:  of the take, from 1.
    file:    the part that plays, as far as the engine has written it: the mix, or else the first stem it delivers.
    samples: float32 [region, channels], of which `ready` frames have been read.
    offset:  of the song there, which engines do not hear; None where there is none to speak of.
    """

    job: Job
    number: int
    plan: Plan
    song: Song | None
    file: StemFile | None = None
    ready: int = 0
    samples: NDArray[np.float32] | None = None
    offset: NDArray[np.float64] | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def stem(self) -> str:
        """The stem that plays; "" while there is none."""
        return self.file.stem if self.file else ""

    @property
    def announced(self) -> int:
        """Frames that the engine has written."""
        return self.file.frames if self.file else 0

    def accept(self, file: StemFile) -> bool:
        """Notes what the engine has written; False for other stems."""
        if file.stem == HANDLES or (self.stem and file.stem != self.stem):
            return False
        region = self.plan.region_in_song
        if file.start != region.start or not self.announced <= file.frames <= region.length:
            return False  # not the region requested; postprocessing reports it
        self.file = file
        return True

    def catch_up(self) -> None:
        """Reads what has been announced. Slow, for any thread; less is read when the files have gone."""
        with self._reading:
            self._read_on()

    def _read_on(self) -> None:
        file = self.file
        if file is None or file.frames <= self.ready:
            return
        if self.samples is None:
            self.samples = np.zeros((self.plan.region.length, self.plan.channels), np.float32)
            if self.song is not None and self.plan.spec.spliced:
                self.offset = offset_in(self.song.audio, self.plan.region_in_song)
        try:
            found = file.samples(skip=self.ready)
        except OSError:  # finished meanwhile, and tidied away
            return
        if len(found) == file.frames - self.ready and np.isfinite(found).all():
            if self.offset is not None:  # as the finished take has it
                found = (found + self.offset[self.ready : file.frames]).astype(np.float32)
            self.samples[self.ready : file.frames] = found
            self.ready = file.frames


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
    """The renders under way; publishes how they grow. They may be of one job or of several."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._renders: dict[tuple[str, int], PartialRender] = {}

    def of_job(self, job: str, number: int | None = None) -> PartialRender | None:
        """The job's take of this number while it is under way; without one, the first that is."""
        numbers = [known for name, known in self._renders if name == job and number in (None, known)]
        return self._renders[job, min(numbers)] if numbers else None

    def begin(self, render: PartialRender) -> None:
        """A take is rendered, for the first time or once more: then with the same audio, so what plays goes on."""
        key = (render.job.id, render.number)
        if (before := self._renders.get(key)) is not None:
            render.samples, render.ready, render.offset = before.samples, before.ready, before.offset
        self._renders[key] = render
        self._events.publish(RenderGrew(render))

    def grown(self, job: str, number: int, file: StemFile) -> None:
        """The engine has written more of a take's stem."""
        render = self._renders.get((job, number))
        if render is not None and render.accept(file):
            self._events.publish(RenderGrew(render))

    def finish(self, job: str, number: int, takes: tuple[Take, ...]) -> None:
        """The render's takes are in the store."""
        render = self._renders.pop((job, number), None)
        if render is not None:
            self._events.publish(RenderFinished(render, takes))

    def over(self, job: str) -> None:
        """A job has ended, whether it was begun or not."""
        for key in [key for key in self._renders if key[0] == job]:
            del self._renders[key]


def auditioned_take(render: PartialRender, takes: tuple[Take, ...]) -> Take | None:
    """The finished take of the stem that played while it was rendered; None if there are no takes."""
    return next((take for take in takes if take.stem == (render.stem or MIX)), takes[0] if takes else None)
