"""What a monitor wants to know of a server again and again, as families of numbers; endpoints write them down.

Nothing here names a song, a client or a word of a request: labels are doors, methods, tasks, engines and states, and
there are as many of each as the server itself has. Counting happens on the event loop and is a few additions; what
takes time is done in a thread when somebody asks.
"""

from __future__ import annotations

import asyncio
import bisect
import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge_server.engines.pool import EnginePool
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.platforms import resident_bytes
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.events import Events, JobReply, Responded
from bridge_server.settings import Settings
from clip_store.blobs import BlobStore
from daw_protocol.addresses import COMMANDS
from daw_protocol.replies import Acknowledged, Done, Failed, TakeReady

METHODS = {command.request: command.name for command in COMMANDS}
OTHER = "other"  # an engine that is not installed any more

ACKNOWLEDGED_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)  # seconds
DELAY_BOUNDS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0)  # seconds
PACE_BOUNDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)  # seconds of work per second of audio

LOOK_SECONDS = 0.5  # between two looks at how late the event loop is
STORE_KEPT = 60.0  # seconds the size of the store is kept: adding it up reads every folder


@dataclass
class Histogram:
    """How often a value was at most each bound; the last count is of what is above them all."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> Histogram:
        return Histogram(self.bounds, list(self.counts), self.total)


Labels = tuple[str, ...]
Sample = tuple[Labels, float | Histogram]


@dataclass(frozen=True)
class Family:
    """Numbers of one kind. kind: "counter", "gauge" or "histogram"; each sample has a value for each label."""

    name: str
    kind: str
    text: str
    labels: Labels
    samples: Sequence[Sample]


@dataclass(frozen=True)
class Traffic:
    """What the endpoints count. cut_off: connections ended since they did not read; dropped: OSC packets."""

    connections: int
    cut_off: int
    dropped: int


class Metrics:
    """Lives on the event loop. traffic: asks the endpoints."""

    def __init__(
        self,
        settings: Settings,
        events: Events,
        queue: JobQueue,
        worker: RenderWorker,
        engines: EnginePool,
        blobs: BlobStore,
        traffic: Callable[[], Traffic],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._worker = worker
        self._engines = engines
        self._blobs = blobs
        self._traffic = traffic
        self._clock = clock
        self._requests: Counter[Labels] = Counter()
        self._acknowledged = _histograms(ACKNOWLEDGED_BOUNDS)
        self._ended: Counter[Labels] = Counter()
        self._pace = _histograms(PACE_BOUNDS)
        self._late = Histogram(DELAY_BOUNDS)
        self._audio: defaultdict[str, dict[int, float]] = defaultdict(dict)  # seconds by job and take
        self._store_bytes = 0
        self._measured_at: float | None = None
        self._asked = asyncio.Lock()
        events.subscribe(Responded, self._responded)
        events.subscribe(JobReply, self._job_reply)

    async def watch_loop(self) -> None:
        """Notes how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._late.add(max(0.0, loop.time() - due))

    async def families(self) -> list[Family]:
        """Everything, as it is now."""
        async with self._asked:
            return [*self._counted(), *await asyncio.to_thread(self._measured, self._engines.pids())]

    def _responded(self, event: Responded) -> None:
        first = event.replies[0] if event.replies else None
        outcome = "refused" if isinstance(first, Failed) else "carried out"
        self._requests[event.client.door, METHODS[type(event.request)], outcome] += 1
        if isinstance(first, Acknowledged):
            self._acknowledged[event.client.door,].add(event.seconds)

    def _job_reply(self, event: JobReply) -> None:
        reply = event.reply
        if isinstance(reply, TakeReady):
            self._audio[event.job][reply.number] = reply.length / reply.rate
        if not reply.terminal:
            return
        audio = sum(self._audio.pop(event.job, {}).values())
        job = self._queue.get(event.job)
        if job is None:
            return
        engine = self._engine_of(job)
        self._ended[job.command, engine, reply.name] += 1
        # A job that was begun again announces takes it did not render now.
        if isinstance(reply, Done) and audio and job.started and job.ended and job.attempts == 1:
            self._pace[engine,].add((job.ended - job.started) / audio)

    def _engine_of(self, job: Job) -> str:
        name = str(job.request.get("engine") or self._settings.engine)
        return name if name in self._engines.names else OTHER

    def _counted(self) -> list[Family]:
        traffic = self._traffic()
        running = Counter((run.job.command, run.engine) for run in self._worker.runs)
        places = [(name, self._engines.places_of(name)) for name in self._engines.names]
        return [
            Family("requests", "counter", "Requests that could be read", ("door", "method", "outcome"),
                   list(self._requests.items())),
            Family("acknowledgement_seconds", "histogram", "From a request's decoding to its acknowledgement",
                   ("door",), _copies(self._acknowledged)),
            Family("jobs_ended", "counter", "Jobs by how they ended", ("task", "engine", "state"),
                   list(self._ended.items())),
            Family("jobs_running", "gauge", "Jobs under way", ("task", "engine"), list(running.items())),
            Family("jobs_queued", "gauge", "Jobs that wait", (), [((), self._queue.count(JobState.QUEUED))]),
            Family("render_seconds_per_audio_second", "histogram", "From a job's start to its end, by its audio",
                   ("engine",), _copies(self._pace)),
            Family("engine_places", "gauge", "Processes that render", ("engine",),
                   [((name,), len(hosts)) for name, hosts in places]),
            Family("engine_starts", "counter", "Starts of those processes, the first one included", ("engine",),
                   [((name,), sum(host.starts for host in hosts)) for name, hosts in places]),
            Family("connections", "gauge", "Open WebSocket connections", (), [((), traffic.connections)]),
            Family("connections_cut_off", "counter", "Connections ended because they did not read their replies",
                   (), [((), traffic.cut_off)]),
            Family("osc_packets_dropped", "counter", "OSC packets that found no room", (), [((), traffic.dropped)]),
            Family("loop_delay_seconds", "histogram", "How late the event loop was, looked at twice a second", (),
                   [((), self._late.copy())]),
        ]  # fmt: skip

    def _measured(self, engines: dict[str, int]) -> list[Family]:
        """What the system has to be asked; in a thread."""
        pids = {"server": os.getpid(), **engines}
        memory = {name: found for name, pid in pids.items() if (found := resident_bytes(pid)) is not None}
        now = self._clock()
        if self._measured_at is None or now - self._measured_at >= STORE_KEPT:
            self._store_bytes, self._measured_at = size_of(self._blobs.root), now
        families = [
            Family("memory_bytes", "gauge", "Resident memory (Linux only)", ("process",),
                   [((name,), found) for name, found in memory.items()]),
            Family("store_audio_bytes", "gauge", "Audio in the store, added up once a minute", (),
                   [((), self._store_bytes)]),
        ]  # fmt: skip
        try:
            free = shutil.disk_usage(self._settings.store).free
        except OSError:  # /healthz says what is wrong with it
            return families
        return [*families, Family("disk_free_bytes", "gauge", "Room on the store's disk", (), [((), free)])]


def _histograms(bounds: tuple[float, ...]) -> defaultdict[Labels, Histogram]:
    return defaultdict(lambda: Histogram(bounds))


def _copies(found: dict[Labels, Histogram]) -> list[Sample]:
    return [(labels, histogram.copy()) for labels, histogram in found.items()]


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder and below; what vanishes meanwhile does not count."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(here, name), follow_symlinks=False).st_size
            except OSError:
                continue
    return total
