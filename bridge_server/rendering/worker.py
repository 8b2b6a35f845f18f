"""Begins jobs as long as there are places for their takes, and ends them.

The queue (job_queue.py) keeps the jobs; a job that was running when the server died is found there and begun again,
without the takes it had recorded already. Job by job, job_run.py does the work: each job under way is a task of its own
on the event loop. The jobs of an engine share its places (engines/places.py): a place that becomes free takes the next
take of the oldest job, and a new job is begun when no take waits for the place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bridge_server.engines.host import RenderCancelledError
from bridge_server.engines.pool import EnginePool
from bridge_server.errors import as_protocol_error
from bridge_server.jobs.database import Connection
from bridge_server.jobs.job import Job, JobState
from bridge_server.jobs.job_queue import JobQueue
from bridge_server.jobs.replies import ending
from bridge_server.logs import about_job
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.job_run import JobRun, JobServices
from bridge_server.rendering.partial_render import PartialRenders
from bridge_server.rendering.postprocess import warm_up
from bridge_server.rendering.take_recorder import TakeRecorder
from bridge_server.sessions.events import Event, Events, JobReply
from bridge_server.settings import Settings
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from clip_store.errors import ClipStoreError
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Cancelled, Done, Failed, JobProgress, Reply
from model.engine import Progress

log = logging.getLogger(__name__)

# How often a full disk is asked again whether it takes anything.
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class RendersUnderWay(Event):
    """A job was begun or has ended. count: how many are under way now."""

    count: int


class RenderWorker:
    """One per server; `run` is its task. Everything happens on the event loop."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        store: ClipStore,
        queue: JobQueue,
        events: Events,
        reader: SongReader,
        engines: EnginePool,
        tempos: SongTempos,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._events = events
        self._engines = engines
        self._clock = clock
        self.live = PartialRenders(events)
        recorder = TakeRecorder(connection, store, events, tempos, clock)
        attempts = settings.limits.attempts
        self.hearing = Hearing(store)
        self._services = JobServices(engines, reader, recorder, self.live, attempts, self.wake, self.hearing)
        self.warm = asyncio.Event()  # what finishes takes is loaded: the loop has the interpreter to itself
        self._wake = asyncio.Event()
        engines.on_room = self.wake
        self._turns = count()
        self._runs: dict[str, JobRun] = {}  # by job, in the order they were begun
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: dict[str, asyncio.Task[None]] = {}  # engines that a resumed job needs to know first
        self._kept_waiting = ""  # the job that cannot be begun while the disk is full
        if settings.ahead:
            engines.expect(settings.engine)  # `run` warms it up

    @property
    def runs(self) -> tuple[JobRun, ...]:
        """The jobs under way, oldest first."""
        return tuple(self._runs.values())

    def wake(self) -> None:
        """There may be a job to run, or a place to run one in."""
        self._wake.set()

    def queued(self, engine: str) -> None:
        """A job for this engine was queued. Where no place is free it is found as soon as one is: until then nothing
        needs to look through the queue, which may be long."""
        if engine not in self._engines.without_room():
            self.wake()

    def cancel(self, job: Job, reason: str) -> bool:
        """Stops a job, waiting or running; False when it had ended already. The terminal reply follows."""
        if (run := self._runs.get(job.id)) is not None:
            run.cancel(reason)
            # Where the disk is full it is cancelled all the same, as long as the server lives.
            with contextlib.suppress(ProtocolError):
                self._queue.note_cancelled(job, reason)
            return True
        if job.state is not JobState.QUEUED:
            return False
        self._queue.move(job, JobState.CANCELLED, self._clock())
        self._publish(job, Cancelled(id=job.request_id, job=job.id, reason=reason))
        self.live.over(job.id)
        return True

    async def run(self) -> None:
        """Runs until cancelled; the jobs under way then go back to the queue."""
        left_over = scratch_folder(self._settings.store)  # by a server that was killed
        shutil.rmtree(left_over, ignore_errors=True)
        self._resume()
        try:
            if self._settings.ahead:
                await self._warm_up()
            self.warm.set()
            while True:
                self._wake.clear()
                room_on_disk = self._begin_jobs()
                await self._rest(None if room_on_disk else RETRY_SECONDS)
                self._check_tasks()
        finally:
            tasks = (*self._tasks, *self._asking.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.clear()
            self._asking.clear()
            for run in self.runs:  # of tasks that were cancelled before they began
                run.release_places()
            self._runs.clear()
            await self._engines.close()

    def _resume(self) -> None:
        """Jobs that were running when the server, or this task, died: they go back to the queue, or fail for good."""
        requeued, ended = self._queue.resume(self._clock(), self._settings.limits.attempts)
        if requeued:
            log.info("%d jobs of an earlier run are resumed", len(requeued))
        for job in ended:
            self._publish(job, ending(job, 0))

    async def _warm_up(self) -> None:
        """Starts the default engine's process and loads what finishing needs: the first request waits for neither."""
        finishing = asyncio.create_task(asyncio.to_thread(warm_up))
        finishing.add_done_callback(lambda _: self.warm.set())
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

    def _begin_jobs(self) -> bool:
        """Begins waiting jobs while their engines have free places; False when the database takes nothing more."""
        while (job := self._queue.next_waiting(self._without_room())) is not None:
            if not self._is_known(job.render().engine):
                continue
            try:
                job = self._queue.move(job, JobState.RUNNING, self._clock())
            except ProtocolError as error:
                # A full disk: the job keeps its place, and its client learns once why it waits.
                if self._kept_waiting != job.id:
                    log.warning("job %s has to wait: %s", job.id, error)
                    self._progress(job, Progress(f"waiting: {error.sentence}", 0.0))
                self._kept_waiting = job.id
                return False
            self._kept_waiting = ""
            self._begin(job)
        return True

    def _without_room(self) -> tuple[str, ...]:
        """The engines whose jobs have to wait: for a place, or until it is known what the engine can do."""
        asking = (engine for engine, task in self._asking.items() if not task.done())
        return (*self._engines.without_room(), *asking)

    def _is_known(self, engine: str) -> bool:
        """Whether it is known how many takes to order together; else the engine is asked, as it was for a new job."""
        asked = self._asking.pop(engine, None)
        if self._engines.is_described(engine) or asked is not None:
            return True
        self._asking[engine] = asyncio.create_task(self._ask(engine), name=f"asks {engine}")
        self._asking[engine].add_done_callback(lambda _: self.wake())
        return False

    async def _ask(self, engine: str) -> None:
        try:
            await self._engines.describe(engine)
        except ProtocolError as error:  # the job will report it to its client
            log.warning("the engine %s does not say what it can do: %s", engine, error)

    def _begin(self, job: Job) -> None:
        def report(progress: Progress) -> None:
            self._progress(job, progress)

        try:
            run = JobRun(job, next(self._turns), self._services, report)
        except ProtocolError as error:
            self._fail(job, error)
            return
        self._runs[job.id] = run
        self._events.publish(RendersUnderWay(len(self._runs)))
        task = asyncio.create_task(self._carry_out(run), name=f"job {job.id}")
        task.add_done_callback(lambda _: self.wake())
        self._tasks.add(task)

    async def _rest(self, seconds: float | None) -> None:
        """Waits for something to do, or as long as is given; an engine without work for long gives its memory back,
        whatever others are doing."""
        limit = self._settings.limits.idle_unload_seconds
        waits = [each for each in (seconds, self._engines.seconds_to_unload(limit)) if each is not None]
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await self._wake.wait()
        except TimeoutError:
            await self._engines.unload_idle(limit)

    def _check_tasks(self) -> None:
        """Raises what ended a job's task and is not the job's fault: its end could not be written, for instance."""
        done = {task for task in self._tasks if task.done()}
        self._tasks -= done
        for task in done:
            task.result()

    async def _carry_out(self, run: JobRun) -> None:
        """Runs a job and records how it ended."""
        with about_job(run.job.id):
            await self._run_to_its_end(run)

    async def _run_to_its_end(self, run: JobRun) -> None:
        job = run.job
        log.info("job %s begins: %s", job.id, job.command)
        try:
            takes = await run.render()
            self._end(job, JobState.DONE, Done(id=job.request_id, job=job.id, takes=takes))
        except RenderCancelledError:
            self._end_cancelled(run)
        except ClipStoreError as error:
            self._fail(job, as_protocol_error(error))
        except ProtocolError as error:
            self._fail(job, error)
        except asyncio.CancelledError:
            if run.cancelled:
                self._end_cancelled(run)
                raise
            # The server stops, and the job is resumed later; also where a full disk leaves it "running".
            with contextlib.suppress(ProtocolError):
                self._queue.move(job, JobState.QUEUED, self._clock())
            raise
        except Exception:  # a bug must end its job only; the log has what the producer need not see
            log.exception("job %s failed by a bug", job.id)
            self._fail(job, _our_fault(job))
        finally:
            self._runs.pop(job.id, None)
            self._events.publish(RendersUnderWay(len(self._runs)))

    def _end_cancelled(self, run: JobRun) -> None:
        job = run.job
        self._end(job, JobState.CANCELLED, Cancelled(id=job.request_id, job=job.id, reason=run.reason))

    def _progress(self, job: Job, progress: Progress) -> None:
        self._publish(
            job,
            JobProgress(
                id=job.request_id,
                job=job.id,
                stage=progress.stage[:200],
                fraction=min(1.0, max(0.0, progress.fraction)),
                seconds_left=progress.seconds_left,
            ),
        )

    def _fail(self, job: Job, error: ProtocolError) -> None:
        if (run := self._runs.get(job.id)) is not None and run.cancelled:
            log.info("job %s was cancelled, and failed meanwhile: %s", job.id, error)
            self._end_cancelled(run)
            return
        reply = Failed.from_error(error, request_id=job.request_id, job=job.id)
        failure = {name: getattr(reply, name) for name in ("code", "sentence", "remedy", "field")}
        log.info("job %s failed: %s", job.id, error)
        self._end(job, JobState.FAILED, reply, failure)

    def _end(self, job: Job, state: JobState, reply: Reply, failure: dict[str, str] | None = None) -> None:
        self._queue.move(job, state, self._clock(), failure)
        log.info("job %s is %s", job.id, state.value)
        self._publish(job, reply)
        self.live.over(job.id)

    def _publish(self, job: Job, reply: Reply) -> None:
        self._events.publish(JobReply(job.id, reply))


def scratch_folder(store: Path) -> Path:
    """Where the engines' processes leave what they render."""
    return store / "scratch"


def _our_fault(job: Job) -> ProtocolError:
    return ProtocolError(
        ErrorCode.INTERNAL,
        f"Internal error in the bridge (job {job.id}).",
        "The song and all other takes are untouched. The server's log has the details.",
    )
