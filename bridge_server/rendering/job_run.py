"""One job on its way to takes: reads the song, has its takes rendered in places, finishes and records them in order.

All of it happens on the event loop, where database, queue and events live too, so that none of them needs a lock;
reading songs and finishing audio run in threads. Each order (one take, or several if the engine renders them together)
is a task that holds a place only while it renders. Takes come out of the places in any order and are recorded in the
order of their numbers, so that a job looks the same wherever it was rendered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bridge_server.engines.host import EngineHost, RenderCancelledError, started
from bridge_server.engines.limits import refuse_too_long
from bridge_server.engines.messages import OptionFile, RenderCommand
from bridge_server.engines.outcome import Outcome
from bridge_server.engines.places import EnginePlaces, PlaceClaim
from bridge_server.engines.pool import EnginePool
from bridge_server.jobs.job import Job
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.job_material import JobMaterial, PartMaterial
from bridge_server.rendering.job_progress import ProgressBar
from bridge_server.rendering.part_plans import about, failed_as_well
from bridge_server.rendering.partial_render import PartialRender, PartialRenders
from bridge_server.rendering.postprocess import FinishedTake, TakeContext
from bridge_server.rendering.stack import frames_of, in_order
from bridge_server.rendering.take_recorder import TakeRecorder
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import check_unchanged
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.parts import Part, parts_of
from daw_protocol.tasks import Placement
from model.engine import EngineDescription, Progress

log = logging.getLogger(__name__)

AGAIN = "rendering again: the engine was interrupted"


# What ends one part of a job and says nothing about the others.
OF_ONE_PART = (ErrorCode.CANNOT_RENDER, ErrorCode.RENDER_REJECTED, ErrorCode.BAD_REGION)


def says_nothing_of_others(part: Part, error: Exception) -> bool:
    """Whether the job's other parts can go on: the error is about this part's region, or about its own song."""
    if not isinstance(error, ProtocolError):
        return False
    return error.code in OF_ONE_PART or (part.track is not None and error.field == "source")


@dataclass
class TakeOrder:
    """Some takes of a part that are rendered together.

    numbers: in the job, from 1. finished: those whose audio is in the store. place: where it is at present.
    """

    part: Part
    numbers: tuple[int, ...]
    claim: PlaceClaim
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    place: str = ""
    finished: set[int] = field(default_factory=set)

    @property
    def left(self) -> tuple[int, ...]:
        """The takes that are still to be made."""
        return tuple(number for number in self.numbers if number not in self.finished)


@dataclass(frozen=True)
class JobServices:
    """What every job is rendered with.

    attempts: how often a take is tried whose engine's process dies.
    on_place_free: called whenever a place may have become free for another job.
    """

    engines: EnginePool
    reader: SongReader
    recorder: TakeRecorder
    live: PartialRenders
    attempts: int
    on_place_free: Callable[[], None]
    hearing: Hearing


class JobRun:
    """A job that has been begun. Making one claims places for its takes at once; `render` or `release_places` must
    follow.

    turn: its place among the jobs begun: the older one's takes come first.
    """

    def __init__(
        self, job: Job, turn: int, services: JobServices, report: Callable[[Progress], None]
    ) -> None:
        """Raises ProtocolError for an engine that is not there any more."""
        self.job = job
        self.reason = ""
        self._turn = turn
        self._request = job.render()
        self._places: EnginePlaces = services.engines.places(self._request.engine)
        self._reader = services.reader
        self._recorder = services.recorder
        self._live = services.live
        self._attempts = services.attempts
        self._on_place_free = services.on_place_free
        self._report = report
        self._parts = parts_of(self._request)
        self._bar = ProgressBar(self._parts[-1].takes[-1], report, self._parts)
        self._cancelled = False
        self._failures: dict[int, Exception] = {}
        self._finished: dict[int, list[FinishedTake]] = {}
        self._recording = asyncio.Lock()
        self._option_files = services.engines.option_files
        self._files: Mapping[str, OptionFile] | None = None
        self._keeping_files = asyncio.Lock()
        recorded = self._recorder.recorded(job)
        self._missing = [n for part in self._parts for n in part.takes if n not in recorded]
        self._together = services.engines.takes_at_once(self._request.engine)
        # An engine that nobody could ask yet keeps its own batches: a take's bits depend on them.
        self._said_together = self._together if services.engines.is_described(self._request.engine) else 0
        self._orders = self._claimed_orders(services.engines)
        parts = (order.part for order in self._orders)
        self._material = JobMaterial(job, self._request, parts, services.hearing, self._reader, self._bar)

    def _claimed_orders(self, engines: EnginePool) -> list[TakeOrder]:
        """The missing takes as orders: as many together as the engine likes, as long as every place gets some.

        Where a take's bits depend on its batch, neither places nor what is missing decide who is together.
        """
        size, fixed = self._together, engines.fixed_batches(self._request.engine)
        if engines.one_by_one(self.engine, self._request.options) or not self._request.spec().makes_takes:
            size = 1
        elif not fixed:
            size = max(1, min(size, -(-len(self._missing) // self._places.count)))
        orders = []
        for part in self._parts:
            takes = part.takes if fixed else [number for number in part.takes if number in self._missing]
            groups = [takes[at : at + size] for at in range(0, len(takes), size)]
            missing = [tuple(number for number in group if number in self._missing) for group in groups]
            orders += [(part, group) for group in missing if group]
        return [TakeOrder(part, group, self._claim(group)) for part, group in orders]

    def _claim(self, numbers: tuple[int, ...]) -> PlaceClaim:
        """A claim to a place for these takes."""
        return self._places.claim((self._turn, numbers[0]), self._request.source or "")

    @property
    def engine(self) -> str:
        """The name of the engine that renders it."""
        return self._request.engine

    @property
    def under_way(self) -> dict[tuple[int, ...], str]:
        """The takes that are being rendered, with their place."""
        return {order.left: order.place for order in self._orders if order.place and order.left}

    def release_places(self) -> None:
        """Gives every place and claim back, whatever became of the job."""
        for order in self._orders:
            order.claim.release()
        self._on_place_free()

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled: whatever comes of its takes, it ends as a cancelled job then."""
        return self._cancelled

    def cancel(self, reason: str) -> None:
        """Stops every take. Nothing is recorded any more, and `render` raises RenderCancelledError."""
        self.reason = reason
        self._cancelled = True
        self._stop_after(0)

    def _stop_after(self, number: int, part: Part | None = None) -> None:
        """Stops the takes after this one, all or those of a part, which a job that fails at it would not get to."""
        for order in self._orders:
            if order.numbers[0] > number and part in (None, order.part):
                order.stop.set()

    async def render(self) -> int:
        """Renders every take the job does not have yet; returns how many clips it has now.

        Raises RenderCancelledError after `cancel`; ProtocolError or ClipStoreError for the first take, by its number,
        that cannot be rendered. The takes before that one are kept, and those of other parts where only this part
        cannot be rendered.
        """
        preparing = asyncio.create_task(self._announce())
        tasks = [asyncio.create_task(self._carry_out(order, preparing)) for order in self._orders]
        try:
            await preparing  # its error is the job's
            await asyncio.gather(*tasks)
        finally:
            for task in (preparing, *tasks):
                task.cancel()
            await asyncio.gather(preparing, *tasks, return_exceptions=True)
            self.release_places()
        self._refuse_if_cancelled()
        if self._failures:
            raise self._failure()
        return self._recorder.count(self.job)

    def _refuse_if_cancelled(self) -> None:
        if self._cancelled:
            raise RenderCancelledError

    async def _announce(self) -> None:
        """Announces takes of an earlier run again: its client may have missed them."""
        self._bar.recorded(await self._recorder.announce_recorded(self.job))

    async def _carry_out(self, order: TakeOrder, preparing: asyncio.Task[None]) -> None:
        """Renders, finishes and records an order; its failure stops the takes after it."""
        try:
            await asyncio.shield(preparing)
            await self._render_order(order)
        except RenderCancelledError:
            pass  # the job's cancellation, or the failure of an earlier take, is reported once
        except Exception as error:
            await self._fail(order, error)
        finally:
            self._material.ended(order.part)

    async def _fail(self, order: TakeOrder, error: Exception) -> None:
        """Notes a failure: that of the first take that is not there. Where it says nothing about the job's other parts
        these go on."""
        number = (order.left or order.numbers)[0]
        self._failures[number] = about(order.part, error) if isinstance(error, ProtocolError) else error
        if not says_nothing_of_others(order.part, error):
            self._stop_after(number)
            return
        self._stop_after(number, order.part)
        self._missing = [n for n in self._missing if n < number or n not in order.part.takes]
        await self._record_in_order()  # what waited for this take

    def _failure(self) -> Exception:
        """Why the job failed: the first take's error, and which other parts failed as well."""
        first = min(self._failures)
        error = self._failures[first]
        if not isinstance(error, ProtocolError):
            return error
        parts = [part for part in self._parts if any(number in part.takes for number in self._failures)]
        rest = [failed_as_well(part) for part in parts if first not in part.takes]
        return ProtocolError(error.code, " ".join((error.sentence, *rest)), error.remedy, error.field)

    async def _render_order(self, order: TakeOrder) -> None:
        """Tries again what is left, in this place or another, when the engine's process has ended."""
        for attempt in range(1, self._attempts + 1):
            claim = order.claim
            try:
                host = await claim.host(order.stop)
                order.place = host.place
                await self._render_in(host, order, await self._material.of(order.part))
                return
            except ProtocolError as error:
                if error.code is ErrorCode.ENGINE_DIED and not order.left:
                    return
                if error.code is not ErrorCode.ENGINE_DIED or attempt == self._attempts:
                    raise
                log.warning("job %s, takes %s, in %s: %s", self.job.id, order.left, order.place, error)
                self._bar.again(order.left, AGAIN)
                # Before the place is given back: the take keeps its turn.
                order.claim = self._claim(order.left)
            finally:
                order.place = ""
                claim.release()
                self._on_place_free()

    async def _render_in(self, host: EngineHost, order: TakeOrder, material: PartMaterial) -> None:
        song, reference = material.song, material.reference
        numbers, first = order.left, order.part.first_take
        open_takes = dict.fromkeys(numbers)
        complete: asyncio.Queue[Outcome | None] = asyncio.Queue()

        def progressed(progress: Progress) -> None:
            if open_takes and (progress.take is None or progress.take + first in open_takes):
                self._bar.rendering(tuple(open_takes), progress, first)

        def came(outcome: Outcome) -> None:
            if outcome.take + first in open_takes:
                del open_takes[outcome.take + first]
                complete.put_nowait(outcome)

        await started(host, lambda progress: self._bar.loading(numbers, progress), order.stop)
        self._bar.loaded(numbers)
        assert host.description is not None, "it has just started"
        refuse_too_long(host.description, material.plan.least_seconds)
        files = await self._files_of(host.description)
        request = material.plan.render_request(tuple(number - first for number in numbers), files)
        command = RenderCommand(
            replace(request, takes_together=self._said_together),
            song.digest if song else "",
            reference.digest if reference else "",
            f"{self.job.id}-{numbers[0]}",
            files=files,
            kept=self._recorder.kept_of(song, self._request.engine),
            stack=in_order(material.stack),
            frames=frames_of(material.stack) if material.stack else 0,
            priority=self.job.priority,
        )
        for number in numbers if not material.stack else ():  # many tracks at once are no song to play
            self._live.begin(PartialRender(self.job, number, material.plan, song))
        finishing = asyncio.create_task(self._finish_in_turn(host, order, material, complete))
        try:
            outcomes = await host.render(
                command,
                progressed,
                lambda take, stem: self._live.grown(self.job.id, take + first, stem),
                order.stop,
                came,
            )
            for outcome in outcomes:
                came(outcome)
        except asyncio.CancelledError:
            finishing.cancel()
            raise
        finally:
            complete.put_nowait(None)
            try:
                await finishing  # its error is the order's: it is about a take before those that were to come
            finally:
                host.discard(command)
        if order.stop.is_set():
            raise RenderCancelledError

    async def _finish_in_turn(
        self, host: EngineHost, order: TakeOrder, material: PartMaterial, came: asyncio.Queue[Outcome | None]
    ) -> None:
        """Finishes and records the takes of an order while the engine goes on with its others, up to None or a stop."""
        try:
            while (outcome := await came.get()) is not None and not order.stop.is_set():
                number = outcome.take + order.part.first_take
                self._finished[number] = await self._finish(host, outcome, material)
                order.finished.add(number)
                await self._record_in_order()
        except Exception:
            order.stop.set()  # the others would not be recorded
            raise

    async def _files_of(self, about: EngineDescription) -> Mapping[str, OptionFile]:
        """The files that the request's options name, by option; the same ones for every take. Raises ProtocolError."""
        async with self._keeping_files:
            if self._files is None:
                self._files = {
                    option: await self._option_files.keep(
                        option, *self._reader.option_file_now(option, str(given)), about.companion_files
                    )
                    for option, given in self._request.options.items()
                    if option in about.file_options
                }
        return self._files

    async def _finish(self, host: EngineHost, outcome: Outcome, material: PartMaterial) -> list[FinishedTake]:
        """The takes of one outcome, with their audio in the store and nothing recorded yet."""
        assert host.description is not None, "it has rendered"
        number = outcome.take + material.part.first_take
        self._bar.finishing(number, "splicing and checking")
        song = material.song
        context = TakeContext(
            self.job.id,
            number,
            material.plan,
            song,
            host.description,
            self._recorder.clock(),
            material.reference,
            material.part,
            material.stack,
            rendered_on=host.rendered_on,
        )
        if not material.plan.spec.makes_takes:  # what it found is recorded at once
            self._refuse_if_cancelled()
        if material.plan.spec.placement is Placement.PLANNED:
            self._recorder.record_plan(self.job, number, material.plan, outcome)
        elif not material.plan.spec.makes_takes:
            assert self._request.source is not None, "checked when it was asked for"
            source, plan = self._request.source, material.plan
            await self._recorder.record_found(self.job, source, plan, outcome, host.description)
        finished = await self._recorder.finish(context, outcome)
        for read in (song, *(track.song for track in material.stack)):
            if read and read.state:
                check_unchanged(read.state)
        return finished

    async def _record_in_order(self) -> None:
        """Records what is finished, up to the first take that is not."""
        async with self._recording:
            while self._missing and (finished := self._finished.pop(self._missing[0], None)) is not None:
                number = self._missing[0]
                takes = await self._recorder.record(self.job, finished, self._refuse_if_cancelled)
                self._missing.pop(0)
                self._bar.recorded((number,))
                self._live.finish(self.job.id, number, takes)
