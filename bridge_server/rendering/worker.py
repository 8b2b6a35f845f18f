"""Runs jobs, one at a time: reads the song, has the engine render each take, finishes and records it.

The queue (job_queue.py) keeps the jobs; a job that was running when the server died is found there and begun again,
without the takes it had recorded already.

The worker is one task on the event loop, where database, queue and events live too, so that none of them needs a lock.
Reading songs and finishing audio run in threads that it awaits. The network runs in another process
(engines/process.py), because a crash or a full memory there must end one job only.
"""

from __future__ import annotations

import asyncio
import logging
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge_server.engines.host import EngineHost
from bridge_server.engines.limits import refuse_too_long
from bridge_server.engines.messages import RenderCommand
from bridge_server.engines.process import EngineProcess, RenderCancelledError
from bridge_server.errors import as_protocol_error
from bridge_server.jobs.database import Connection, transaction
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.jobs.replies import ending, take_ready
from bridge_server.rendering.partial_render import PartialRender, PartialRenders
from bridge_server.rendering.plan import Plan, plan_request
from bridge_server.rendering.postprocess import FinishedTake, TakeContext, finish, warm_up
from bridge_server.rendering.song_shape import song_shape
from bridge_server.sessions.events import Events, JobReply
from bridge_server.settings import Settings
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import Song, check_unchanged
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Cancelled, Done, Failed, JobProgress, Reply
from model.engine import Progress

log = logging.getLogger(__name__)

# Of a take's share of the progress bar: the rest is splicing, measuring and writing.
RENDER_SHARE = 0.9
# How often a full disk is asked again whether it takes anything.
RETRY_SECONDS = 1.0


@dataclass
class Running:
    """The job being rendered, and the way to stop it."""

    job: Job
    stop: asyncio.Event
    reason: str = ""


class RenderWorker:
    """One per server; `run` is its task. Everything but the thread work happens on the event loop."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        store: ClipStore,
        queue: JobQueue,
        events: Events,
        reader: SongReader,
        engines: EngineHost,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._store = store
        self._queue = queue
        self._events = events
        self._reader = reader
        self._clock = clock
        self.live = PartialRenders(events)
        self._scratch = settings.store / "scratch"
        self._wake = asyncio.Event()
        self._running: Running | None = None
        self._engines = engines
        engines.expect(settings.engine)  # `run` warms it up

    @property
    def current(self) -> Job | None:
        """The job being rendered."""
        return self._running.job if self._running else None

    def wake(self) -> None:
        """There may be a job to run."""
        self._wake.set()

    def cancel(self, job: Job, reason: str) -> bool:
        """Stops a job, waiting or running; False when it had ended already. The terminal reply follows."""
        if self._running is not None and self._running.job.id == job.id:
            self._running.reason = reason
            self._running.stop.set()
            return True
        if job.state is not JobState.QUEUED:
            return False
        self._queue.move(job, JobState.CANCELLED, self._clock())
        self._publish(job, Cancelled(id=job.request_id, job=job.id, reason=reason))
        self.live.over(job.id)
        return True

    async def run(self) -> None:
        """Runs until cancelled; a job under way then goes back to the queue."""
        shutil.rmtree(self._scratch, ignore_errors=True)  # left by a server that was killed
        self._resume()
        try:
            await self._warm_up()
            while True:
                self._wake.clear()
                job = self._queue.next_waiting()
                if job is None:
                    await self._rest()
                else:
                    await self._carry_out(job)
        finally:
            await self._engines.close()

    def _resume(self) -> None:
        """Jobs that were running when the server, or this task, died: they go back to the queue, or fail for good."""
        requeued, given_up = self._queue.resume(self._clock(), self._settings.limits.attempts)
        if requeued:
            log.info("%d jobs of an earlier run are resumed", len(requeued))
        for job in given_up:
            self._publish(job, ending(job, 0))

    async def _warm_up(self) -> None:
        """Starts the default engine's process and loads what finishing needs: the first request waits for neither."""
        finishing = asyncio.create_task(asyncio.to_thread(warm_up))
        try:
            await self._engines.warm_up(self._settings.engine)
        except ProtocolError as error:  # the first job will report it to its client
            log.warning("the engine %s is not ready: %s", self._settings.engine, error)
        except asyncio.CancelledError:  # the server stops already
            finishing.cancel()
            raise
        try:
            await finishing
        except Exception:  # the first job meets it again and fails with its own error
            log.exception("What finishes takes could not be loaded ahead")

    async def _rest(self) -> None:
        """Waits for work; engines that get none for long give their memory back."""
        try:
            await asyncio.wait_for(self._wake.wait(), self._settings.limits.idle_unload_seconds)
        except TimeoutError:
            await self._engines.close()
            await self._wake.wait()

    async def _carry_out(self, job: Job) -> None:
        try:
            job = self._queue.move(job, JobState.RUNNING, self._clock())
        except ProtocolError as error:
            await self._wait_for_room(job, error)
            return
        self._running = Running(job, asyncio.Event())
        try:
            count = await self._render_job(job, self._running.stop)
            self._end(job, JobState.DONE, Done(id=job.request_id, job=job.id, takes=count))
        except RenderCancelledError:
            reason = self._running.reason
            self._end(job, JobState.CANCELLED, Cancelled(id=job.request_id, job=job.id, reason=reason))
        except ClipStoreError as error:
            self._fail(job, as_protocol_error(error))
        except ProtocolError as error:
            self._fail(job, error)
        except asyncio.CancelledError:
            self._queue.move(
                job, JobState.QUEUED, self._clock()
            )  # the server stops; the job is resumed later
            raise
        except Exception:  # a bug must end its job only; the log has what the producer need not see
            log.exception("job %s failed by a bug", job.id)
            self._fail(job, _our_fault(job))
        finally:
            self._running = None
            shutil.rmtree(self._scratch / job.id, ignore_errors=True)

    async def _wait_for_room(self, job: Job, error: ProtocolError) -> None:
        """The database cannot be written (a full disk): the job keeps its place, its client learns why it waits."""
        log.warning("job %s has to wait: %s", job.id, error)
        self._progress(job, Progress(f"waiting: {error.sentence}", 0.0))
        await asyncio.sleep(RETRY_SECONDS)

    async def _render_job(self, job: Job, stop: asyncio.Event) -> int:
        """Renders every take the job does not have yet; returns how many clips it has now."""
        request = job.render()
        self._progress(job, Progress("reading the song", 0.0))
        reference = await self._reference(request.reference) if request.reference else None
        song = await self._reader.read(request.source, request.rate) if request.source else None
        shape = await asyncio.to_thread(song_shape, song.audio) if song else None
        plan = plan_request(request, shape)
        recorded = set()
        for take in reversed(self._takes(job)):  # of an earlier attempt, which its client may have missed
            recorded.add(take.number)
            self._publish(job, take_ready(job, take, await self._clip_path(take)))
        for number in range(1, request.takes + 1):
            if stop.is_set():
                raise RenderCancelledError
            if number not in recorded:
                await self._render_take(job, plan, song, reference, number, stop)
        return len(self._takes(job))

    async def _reference(self, name: str) -> Song:
        """The audio a render's timbre is taken from. Raises ProtocolError about it, not about the song."""
        try:
            return await self._reader.read(name, None)
        except ProtocolError as error:
            raise ProtocolError(error.code, error.sentence, error.remedy, "reference") from error

    async def _render_take(
        self,
        job: Job,
        plan: Plan,
        song: Song | None,
        reference: Song | None,
        number: int,
        stop: asyncio.Event,
    ) -> None:
        folder = self._scratch / job.id / str(number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProtocolError(
                ErrorCode.STORE_FAILED,
                f"The store cannot be written: {error.strerror}.",
                "Free some disk space or check the folder's permissions, then try again.",
            ) from error
        order = RenderCommand(
            0,
            plan.render_request(number - 1),
            self._store.blobs.path(song.digest) if song else None,
            song.digest if song else "",
            folder,
            self._store.blobs.path(reference.digest) if reference else None,
            reference.digest if reference else "",
        )
        share = _Share(self, job, number, plan.request.takes)
        engine = self._engines.process(plan.request.engine)
        await self._started(engine, share, stop)
        assert engine.description is not None, "it has just started"
        refuse_too_long(engine.description, plan.least_seconds)
        self.live.begin(PartialRender(job, number, plan, song, folder))
        outcome = await engine.render(order, share.rendering, self.live.piece, stop)
        if stop.is_set():
            raise RenderCancelledError
        share.finishing("splicing and checking")
        take_context = TakeContext(job.id, number, plan, song, engine.description, self._clock(), reference)
        finished = await asyncio.to_thread(finish, take_context, outcome, self._store.blobs)
        if song and song.state:
            check_unchanged(song.state)
        # The files before the records: a disk that fills up now must not leave a take of a job that failed.
        ready = [take_ready(job, entry.take, await self._clip_path(entry.take)) for entry in finished]
        self._record(finished)
        shutil.rmtree(folder, ignore_errors=True)
        for reply in ready:
            self._publish(job, reply)
        self.live.finish(tuple(entry.take for entry in finished))

    async def _started(self, engine: EngineProcess, share: _Share, stop: asyncio.Event) -> None:
        """Loads the engine, unless it is loaded; a cancelled job does not wait for that."""
        loading = asyncio.create_task(engine.start(share.rendering))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not loading.done():
                loading.cancel()
                await asyncio.gather(loading, return_exceptions=True)
                await engine.close()
        if loading.cancelled():
            raise RenderCancelledError
        loading.result()

    async def _clip_path(self, take: Take) -> Path:
        """The take's Broadcast WAV, written now unless it is there."""
        return await asyncio.to_thread(self._store.clip_path, take)

    def _record(self, finished: list[FinishedTake]) -> None:
        """Blobs are on the disk; now all records of this render, or none."""
        with transaction(self._connection):
            for entry in finished:
                self._store.keep(entry.take, entry.audio, entry.handles)

    def _takes(self, job: Job) -> list[Take]:
        return list(self._store.index.list(job=job.id, limit=1000))

    def _progress(self, job: Job, progress: Progress) -> None:
        self._publish(
            job,
            JobProgress(
                id=job.request_id,
                job=job.id,
                stage=progress.stage[:200],
                fraction=min(1.0, max(0.0, progress.fraction)),
                seconds_left=sensible(progress.seconds_left),
            ),
        )

    def _fail(self, job: Job, error: ProtocolError) -> None:
        reply = Failed.from_error(error, request_id=job.request_id, job=job.id)
        failure = {name: getattr(reply, name) for name in ("code", "sentence", "remedy", "field")}
        log.info("job %s failed: %s", job.id, error)
        self._end(job, JobState.FAILED, reply, failure)

    def _end(self, job: Job, state: JobState, reply: Reply, failure: dict[str, str] | None = None) -> None:
        shutil.rmtree(
            self._scratch / job.id, ignore_errors=True
        )  # who is sent the end finds nothing half done
        try:
            self._queue.move(job, state, self._clock(), failure)
        except ProtocolError:
            # The disk is full: the job stays "running" in the database and is reported again after a restart.
            # Its client is still sent how it ended.
            log.exception("job %s: its end could not be recorded", job.id)
        self._publish(job, reply)
        self.live.over(job.id)

    def _publish(self, job: Job, reply: Reply) -> None:
        self._events.publish(JobReply(job.id, reply))


class _Share:
    """Maps one take's progress onto its part of the job's bar."""

    def __init__(self, worker: RenderWorker, job: Job, number: int, takes: int) -> None:
        self._worker = worker
        self._job = job
        self._number = number
        self._takes = takes

    def rendering(self, progress: Progress) -> None:
        self._report(progress.stage, progress.fraction * RENDER_SHARE, progress.seconds_left)

    def finishing(self, stage: str) -> None:
        self._report(stage, RENDER_SHARE, None)

    def _report(self, stage: str, fraction: float, seconds_left: float | None) -> None:
        of = f" (take {self._number} of {self._takes})" if self._takes > 1 else ""
        whole = (self._number - 1 + min(1.0, fraction)) / self._takes
        self._worker._progress(self._job, Progress(stage + of, whole, seconds_left))


def sensible(seconds_left: float | None) -> float | None:
    """An engine's estimate, or None when it is not one: a division by nothing done yet must not end a job."""
    if seconds_left is None or not math.isfinite(seconds_left):
        return None
    return min(max(0.0, seconds_left), MAX_SECONDS_LEFT)


MAX_SECONDS_LEFT = 1e6


def _our_fault(job: Job) -> ProtocolError:
    return ProtocolError(
        ErrorCode.INTERNAL,
        f"Internal error in the bridge (job {job.id}).",
        "The song and all other takes are untouched. The server's log has the details.",
    )
