"""How many passes an extraction takes that names no stems, and how long: said before it starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.rendering.plan import Plan
from clip_store.store import ClipStore
from daw_protocol.requests import Extract, Render
from model.engine import EngineDescription

EXTRACT = "extract"
MAX_CLIPS = 1000
LOOKED_AT = 3  # the newest extractions: an older one may have run on another device
MAX_JOBS_READ = 50

MeasuredPace = Callable[[str], float | None]
"""Seconds that an engine took for one stem of one second of song; None where it has extracted nothing here."""


class ExtractPace:
    """What extractions took on this machine, by the jobs that are done. Lives on the event loop."""

    def __init__(self, queue: JobQueue, store: ClipStore) -> None:
        self._queue = queue
        self._store = store

    def of(self, engine: str) -> float | None:
        """Seconds for one stem of one second of song: the middle one of the newest extractions; None without one."""
        found = []
        for job in self._queue.newest_of(JobState.DONE, EXTRACT, engine, MAX_JOBS_READ):
            clips = self._store.index.list(job=job.id, limit=MAX_CLIPS)
            extracted = sum(clip.length / clip.rate for clip in clips if clip.stem != "residual")
            if extracted and job.started is not None and job.ended is not None and job.attempts == 1:
                found.append((job.ended - job.started) / extracted)
            if len(found) == LOOKED_AT:
                break
        return sorted(found)[len(found) // 2] if found else None


def passes_note(
    description: EngineDescription, request: Render, plans: Sequence[Plan], measured: MeasuredPace
) -> str:
    """A note for an extraction that names no stems, by an engine that renders each in a pass of its own; else "".

    plans: one for each region and song of the request, in samples.
    """
    if not isinstance(request, Extract) or request.stems or not description.stem_passes:
        return ""
    stems = description.stems
    passes = len(stems) * request.takes * len(plans)
    seconds = sum(len(stems) * request.takes * plan.region.length / plan.rate for plan in plans)
    pace = measured(request.engine)
    long = (
        "how long that takes is not known yet, because this engine has extracted nothing here"
        if pace is None
        else f"that takes about {in_words(pace * seconds)}, by the last extractions here"
    )
    every = "" if passes == len(stems) else f", for all {len(stems)} stems"
    return (
        f"No stems were named, so {description.label} renders {passes} passes{every}, one after the other "
        f"({', '.join(stems)}); {long}. Name the stems you want for fewer passes."
    )


def in_words(seconds: float) -> str:
    """A duration to plan by: "40 s", "25 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
