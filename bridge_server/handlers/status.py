"""Questions about the server itself: how it is, what its engines can do, whether the store is sound."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from bridge_server.engines.pool import EnginePool
from bridge_server.handlers.response import Response, understood
from bridge_server.handlers.running_requests import RequestProgress, RunningRequests
from bridge_server.handlers.store_check import SWEEPING, OnFraction, RunningSweep, StoreCheck
from bridge_server.jobs.job import JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.platforms import CHECKPOINTS
from bridge_server.rendering.job_run import JobRun
from bridge_server.rendering.worker import RenderWorker
from bridge_server.sessions.client import Client
from bridge_server.settings import Settings
from bridge_server.songs.sources import STORED
from bridge_server.studio.host_connection import HostConnection
from bridge_server.supervisor import Supervisor
from bridge_server.version import VERSION
from clip_store.atomic_file import sweep_parts
from clip_store.blobs import BlobStore
from clip_store.file_clock import file_clock
from clip_store.store import ClipStore
from daw_protocol import requests, results
from daw_protocol.errors import ProtocolError
from daw_protocol.host_results import RenderHostStatus
from model.engine import Capability, EngineDescription, Task

# No take refers to the song of a waiting job yet: nothing younger than a day is swept.
SWEEP_GRACE_SECONDS = 24 * 3600.0


class StatusHandlers:
    """Requests about the server itself. settings: with the ports that were really bound."""

    def __init__(
        self,
        settings: Settings,
        queue: JobQueue,
        store: ClipStore,
        worker: RenderWorker,
        engines: EnginePool,
        supervisor: Supervisor,
        running: RunningRequests,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._store = store
        self._worker = worker
        self._engines = engines
        self._supervisor = supervisor
        self._running = running
        # A surface's key that repeats must not have the whole store read sixty times.
        self._check = StoreCheck(running, self._reads)
        self._sweeping = asyncio.Lock()

    async def status(self, request: requests.Status, _: Client) -> Response:
        runs = self._worker.runs
        free = shutil.disk_usage(self._settings.store).free
        waiting = self._queue.count(JobState.QUEUED)
        result = results.ServerStatus(
            version=VERSION,
            engine=self._settings.engine,
            engine_processes=self._engines.pids(),
            running=runs[0].job.id if runs else None,
            renders=tuple(render for run in runs for render in renders_of(run)),
            exports=tuple(
                results.ExportUnderWay(id=one.id, name=one.name, format=one.format)
                for one in self._running.exports
            ),
            queued=waiting,
            roots=tuple(str(root) for root in self._settings.roots),
            store=str(self._settings.store),
            free_bytes=free,
            osc_port=self._settings.osc_port,
            websocket_port=self._settings.websocket_port,
            problems=self._supervisor.problems() or None,
            watching=self._supervisor.section(results.WatchFolderStatus),
            midi=self._supervisor.section(results.MidiStatus),
            render_hosts=tuple(map(host_record, self._engines.render_hosts)),
        )
        text = (
            f"Takebridge {VERSION}, engine {self._settings.engine}, {waiting} jobs waiting, "
            f"{len(runs) or 'none'} running, {free / 2**30:.0f} GB free."
        )
        if watching := result.watching:
            text += f" Watching {watching.folder}, {len(watching.busy)} files in work. {watching.problem}"
        if midi := result.midi:
            text += f" MIDI from {midi.input}. {midi.problem}"
        for host in result.render_hosts:
            text += (
                f" Render host {host.name}: {f'{host.places} places' if host.connected else host.problem}."
            )
            text += "".join(f" {note}" for note in host.notes)
        if result.problems:
            text += " ".join(f" Part {name} is {problem}" for name, problem in result.problems.items())
        return understood(request, text.strip(), result)

    async def engines(self, request: requests.ListEngines, _: Client) -> Response:
        names = self._engines.names
        found = await asyncio.gather(*(self._described(name) for name in names))
        records = {
            name: engine_record(description).evolve(rendered_on=self._engines.rendered_on(name))
            for name, description in zip(names, found, strict=True)
        }
        lines = [
            f"{name} (rendered on {entry.rendered_on}): {', '.join(entry.can)}"
            if entry.rendered_on
            else f"{name}: {', '.join(entry.can)}"
            for name, entry in records.items()
        ]
        return understood(request, "; ".join(lines), results.EngineList(engines=records))

    async def _described(self, name: str) -> EngineDescription:
        """What an engine can do; nothing, with the reason, if it cannot be started."""
        try:
            return await self._engines.describe(name)
        except ProtocolError as error:
            tasks = tuple(Capability(task, False, error.sentence, error.remedy) for task in Task)
            return EngineDescription(name, name, False, tasks)

    async def verify(self, request: requests.VerifyStore, client: Client) -> Response:
        found = await self._check.problems(request.id, client)
        text = f"{len(found)} problems: {' '.join(found)}" if found else SOUND
        return understood(request, text, results.StoreProblems(problems=tuple(found)))

    def _reads(self) -> Callable[[OnFraction], list[str]]:
        """What reads the whole store, in a thread."""
        return functools.partial(problems_in, self._store.blobs, self._store.index.referenced_digests())

    async def sweep(self, request: requests.SweepStore, client: Client) -> Response:
        with self._running.begun(RunningSweep(request.id, client)) as asked:
            task = asyncio.ensure_future(self._swept(RequestProgress(asked, SWEEPING)))
            asked.ends_by(task.cancel)
            try:
                removed = await task
            except asyncio.CancelledError:
                asked.check()
                raise
        text = f"{removed} unused audio files were removed."
        return understood(request, text, results.SweptFiles(removed=removed))

    async def _swept(self, progress: OnFraction) -> int:
        """Removes what nothing needs; returns how many audio files that were."""
        async with self._sweeping:
            index = self._store.index
            keep = index.referenced_digests() | index.kept.blobs() | self._waiting_songs()
            removed = await asyncio.to_thread(
                self._store.blobs.sweep, keep, SWEEP_GRACE_SECONDS, file_clock(), progress
            )
            await asyncio.to_thread(self._store.peaks.sweep)
            await asyncio.to_thread(sweep_all_parts, self._settings.store, file_clock())
        return len(removed)

    def _waiting_songs(self) -> set[str]:
        """Digests of stored songs that jobs wait for: no take refers to them yet."""
        return {name.removeprefix(STORED) for name in self._queue.songs_in_use()}


def renders_of(run: JobRun) -> Iterator[results.RenderUnderWay]:
    """What a job has in its engine's places at present."""
    for numbers, place in run.under_way.items():
        yield results.RenderUnderWay(job=run.job.id, takes=numbers, engine=run.engine, place=place)


def host_record(host: HostConnection) -> RenderHostStatus:
    """A render host as `status` shows it."""
    welcome = host.welcome
    found = RenderHostStatus(
        name=host.name, address=host.join.address, connected=host.session is not None, problem=host.problem
    )
    if welcome is None:
        return found
    return found.evolve(
        device=welcome.device,
        places=welcome.places,
        version=welcome.version,
        notes=host.notes,
        engines=tuple(welcome.engines),
    )


def problems_in(
    blobs: BlobStore, needed: Collection[str], progress: OnFraction = lambda _: None
) -> list[str]:
    """Reads everything: a sentence for each damaged blob and each that takes need and is not there. Slow.

    progress: called with the share that is read, 0 to 1; what it raises ends the reading.
    """
    damaged = [
        f"The stored audio {path.parent.name}/{path.name} is damaged." for path in blobs.verify(progress)
    ]
    missing = [digest for digest in sorted(needed) if not blobs.has(digest)]
    return damaged + [f"The stored audio {digest[:12]} is missing, and takes need it." for digest in missing]


def sweep_all_parts(store: Path, now: float) -> None:
    """Removes the unfinished files that crashes left anywhere in the store, if they are old at `now`; see sweep_parts.

    Not among models: they are large, and another process may be downloading.
    """
    for folder, below, _ in os.walk(store):
        below[:] = [name for name in below if name != CHECKPOINTS]
        sweep_parts(Path(folder), now)


SOUND = "Everything in the store is intact."


def engine_record(description: EngineDescription) -> results.EngineRecord:
    """An engine's description, with the reason and remedy of everything it cannot do."""
    capabilities = [description.capability(task) for task in Task]
    return results.EngineRecord(
        label=description.label,
        neural=description.neural,
        can=tuple(entry.task.value for entry in capabilities if entry.available),
        cannot={
            entry.task.value: f"{entry.reason} {entry.remedy}".strip()
            for entry in capabilities
            if not entry.available
        },
        layers=("all", *description.layers),
        stems=description.stems,
        instruments=description.instruments,
        follows_chords=description.follows_chords,
        edits=description.edits,
        times_lyrics=description.times_lyrics,
        stem_passes=description.stem_passes,
        options=description.options,
        max_seconds=description.max_seconds,
        weights=description.weights,
        reference=description.reference,
        prompt_characters=description.prompt.characters,
        lyrics_characters=0 if description.lyrics.tokens == 0 else description.lyrics.characters,
        languages=description.languages,
        hints={task.value: hint for task, hint in description.hints.items()},
        lyric_tags=description.lyric_tags,
        context_seconds=description.context_seconds,
    )
