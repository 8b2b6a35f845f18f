"""A render host: renders in its places what bridges on other machines order over engine links.

It keeps nothing but audio by digest, what an order gave until its bridge has it, and trainings. A bridge that is cut
off finds its orders where it left them, for `ORPHAN_SECONDS`. Everything but files happens on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge_server.engines.host import RenderCancelledError, ignore_progress, started
from bridge_server.engines.messages import RenderCommand
from bridge_server.engines.outcome import Outcome, StemFile
from bridge_server.errors import as_protocol_error
from bridge_server.studio.host_files import HostFiles, files_of
from bridge_server.studio.host_orders import HostOrder, HostOrders, HostPlace, OrderState, Refusal
from bridge_server.studio.host_trainings import HostTrainings
from bridge_server.studio.link_messages import LINK_PROTOCOL, Welcome
from bridge_server.version import VERSION
from clip_store.errors import ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import EngineDescription, Progress

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 120.0
"""So long an order is kept whose bridge is cut off."""
MAX_ORDERS = 64  # of one bridge
LOOK_SECONDS = 1.0  # how often orders without a bridge and engines without work are looked for
THERE_SECONDS = 5.0  # for the cluster to say whether a place's machine is there
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 900.0
"""Seconds before an engine that could not be started in a place is tried there again; twice as long each time."""
IDLE_SECONDS = 900.0  # after this time without work a place gives its memory back


@dataclass(frozen=True)
class HostOffer:
    """What a host says of itself: its name and what renders there, for producers; engines by name."""

    name: str
    device: str
    engines: Mapping[str, EngineDescription] = field(default_factory=dict)


class RenderHost:
    """Lives on the event loop; `run` is its task.

    results: the folder the places' engines write to. trainings: wait while a place renders.
    """

    def __init__(
        self,
        offer: HostOffer,
        places: list[HostPlace],
        files: HostFiles,
        results: Path,
        trainings: HostTrainings,
    ) -> None:
        self.offer = offer
        self.trainings = trainings
        self.orders = HostOrders(places)
        self.files = files
        self._results = results
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle_since: dict[HostPlace, float] = {}
        self.noted = asyncio.Event()
        """Set, and made anew, whenever `orders.notes` may say something else."""

    def welcome(self) -> Welcome:
        """What a bridge is told first."""
        offer = self.offer
        return Welcome(
            LINK_PROTOCOL, VERSION, offer.name, offer.device, len(self.orders.places), dict(offer.engines),
            self.trainings.offer,
        )  # fmt: skip

    async def accept(self, client: str, engine: str, command: RenderCommand) -> HostOrder:
        """The order, new or one that is here already. Raises ProtocolError for one that cannot be rendered here."""
        if engine not in self.offer.engines:
            raise ProtocolError(
                ErrorCode.ENGINE_NOT_READY,
                f"The render host {self.offer.name} has no engine called {engine!r} that can render.",
                "`takebridge doctor` on that machine says what it lacks; start the host again once it is there.",
                "engine",
            )
        if self.orders.of(client) >= MAX_ORDERS:
            raise ProtocolError(
                ErrorCode.QUEUE_FULL,
                f"{MAX_ORDERS} orders of this bridge wait at the render host {self.offer.name} already.",
                "Wait until some are done.",
            )
        for file in command.files.values():  # before the loop's turn to look for them: it may copy
            await asyncio.to_thread(self.files.option_file, file)
        order, new = self.orders.add(client, engine, command)
        if new:
            log.info("order %s of %s: %s in the queue", order.name, client[:8], engine)
            self.wake()
        return order

    def lacks(self, command: RenderCommand) -> bool:
        """Whether a file of an order has gone since it was asked for."""
        named = files_of(command)
        return self.files.renewed(named) != named.keys()

    def wake(self) -> None:
        """An order may be able to begin."""
        self._wake.set()

    def left(self, order: HostOrder, clock: float) -> None:
        """A connection that waited for an order is gone."""
        order.watchers -= 1
        order.left_at = clock

    def drop(self, order: HostOrder) -> None:
        """Ends an order that nobody wants any more, and removes what it gave."""
        self.orders.remove(order)
        order.stop.set()
        if order.ended or order.state is OrderState.WAITING:
            shutil.rmtree(self._results / order.command.results, ignore_errors=True)
        self.wake()

    async def run(self) -> None:
        """Gives orders to places until it is cancelled."""
        looking = asyncio.create_task(self._look_after())
        training = asyncio.create_task(self.trainings.run(), name="trainings")
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while (chosen := self.orders.next()) is not None:
                    order, place = chosen
                    order.task = asyncio.create_task(
                        self._carry_out(order, place), name=f"order {order.name}"
                    )
                    self._tasks.add(order.task)
                    order.task.add_done_callback(self._tasks.discard)
                for place in self.orders.places:
                    if place.trial is not None and self.orders.wanted(place):
                        place.trial.set()
                self.trainings.yield_to_renders(any(place.order for place in self.orders.places))
                for before, order in enumerate(self.orders.waiting()):
                    self._progress(order, Progress(waiting_stage(self.offer.name, before), 0.0))
        finally:
            looking.cancel()
            training.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(looking, training, *self._tasks, return_exceptions=True)
            hosts = [host for place in self.orders.places for host in place.engines.values()]
            await asyncio.gather(*(host.close() for host in hosts))

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except Exception:  # a bug: the next look may find things as they should be
                log.exception("orders and places could not be looked after, by a bug")

    async def _look(self) -> None:
        """Lets orders go whose bridge does not come back, and engines whose memory others may want."""
        now = time.monotonic()
        for order in tuple(self.orders):
            if order.watchers <= 0 and order.left_at is not None and now - order.left_at > ORPHAN_SECONDS:
                log.info("order %s: its bridge did not come back", order.name)
                self.drop(order)
        for place in self.orders.places:
            await self._ask_after(place)
            self._try_again(place, now)
            if place.order is not None:
                self._idle_since[place] = now
            elif place.trial is None and now - self._idle_since.setdefault(place, now) > IDLE_SECONDS:
                place.song = ""
                await asyncio.gather(*(host.close() for host in place.engines.values()))
        for order in self.orders.waiting():
            if order.refused_by and not self.orders.open_to(order):  # the place it waited for is lost
                self._fail(order, next(reversed(order.refused_by.values())))
                order.touch()
        if self.orders.waiting():  # a place may be there again
            self.wake()

    async def _ask_after(self, place: HostPlace) -> None:
        """Learns whether a place's machine is there. It may come back with another one: what was wrong with this one is
        forgotten."""
        was_lost, place.lost = place.lost, await self._is_lost(place)
        if place.lost and not was_lost:
            before = self.orders.notes()
            place.refused.clear()
            self._tell_notes(before)
            # An order there would wait for its machine.
            await asyncio.gather(*(host.close() for host in place.engines.values()))

    def _try_again(self, place: HostPlace, now: float) -> None:
        """Has an engine that could not be started in a place tried again, if the place has nothing else to do."""
        due = [engine for engine, refusal in place.refused.items() if now - refusal.at >= refusal.pause]
        if due and place in self.orders.free() and not self.orders.wanted(place) and not self.trainings.busy:
            place.trial = asyncio.Event()
            task = asyncio.create_task(
                self._trial(place, due[0], place.trial), name=f"{due[0]} in {place.name}"
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _trial(self, place: HostPlace, engine: str, stop: asyncio.Event) -> None:
        """Starts an engine without an order, and ends it again: whoever wants it next loads it."""
        note = place.refused[engine].note
        try:
            await started(place.engines[engine], ignore_progress, stop)
            await place.engines[engine].close()
            note = ""
        except RenderCancelledError:  # an order wants the place
            return
        except ProtocolError as error:
            if error.code is ErrorCode.ENGINE_NOT_READY:
                note = _note_of(error)
        except Exception:  # a bug: the engine counts as not started
            log.exception("%s could not be tried in %s, by a bug", engine, place.name)
        finally:
            place.trial = None
            self.wake()
        if not place.lost:
            self._refuses(place, engine, note)

    async def _is_lost(self, place: HostPlace) -> bool:
        """Whether a place's machine is; as it was, while nobody says."""
        try:
            async with asyncio.timeout(THERE_SECONDS):
                return not await place.there()
        except TimeoutError:
            log.warning("%s: the cluster does not say whether its machine is there", place.name)
            return place.lost

    async def _carry_out(self, order: HostOrder, place: HostPlace) -> None:
        """Renders an order; what is left of it once more, in another place if one is free, when the engine's process
        ends. Where it cannot be started, another place renders the order, if one is free or known to start it."""
        try:
            while True:
                try:
                    await self._render(order, place)
                    break
                except ProtocolError as error:
                    if error.code is ErrorCode.ENGINE_DIED and not order.left:
                        break
                    if order.stop.is_set() or not await self._goes_on(order, place, error):
                        raise
                    log.warning("order %s in %s: %s", order.name, place.name, error)
                    if error.code is ErrorCode.ENGINE_DIED:
                        order.begin_again()
                place = self._other(place, order)
                if place not in self.orders.open_to(order):  # the first place that may takes it
                    order.state = OrderState.WAITING
                    return
            order.state = OrderState.DONE
        except RenderCancelledError:
            self._fail(order, ProtocolError(ErrorCode.CANCELLED, "The render was cancelled."))
        except ProtocolError as error:
            if error.code is ErrorCode.STORE_FAILED:  # perhaps a song that cannot be read
                await asyncio.to_thread(self.files.remove_damaged, files_of(order.command))
            self._fail(order, error)
        except ClipStoreError as error:
            self._fail(order, as_protocol_error(error))
        except Exception:  # a bug ends its order only
            log.exception("order %s failed by a bug", order.name)
            self._fail(order, self.bug())
        finally:
            place.order = None
            order.touch()
            if order not in tuple(self.orders):  # dropped meanwhile
                shutil.rmtree(self._results / order.command.results, ignore_errors=True)
            self.wake()

    def bug(self) -> ProtocolError:
        """What a bridge is told of one."""
        return ProtocolError(
            ErrorCode.INTERNAL,
            f"Internal error in the render host {self.offer.name}.",
            "Its log has the details. Another region or seed may work.",
        )

    async def _goes_on(self, order: HostOrder, place: HostPlace, error: ProtocolError) -> bool:
        """Whether an order that failed in a place may be rendered all the same."""
        if error.code is ErrorCode.ENGINE_DIED:
            await self._ask_after(place)
            return order.run == 1
        if place not in order.refused_by:
            return False
        # Nobody waits behind others' renders for a place that may well refuse as well.
        return self.orders.starts(order) or bool(self.orders.free(order))

    def _other(self, place: HostPlace, order: HostOrder) -> HostPlace:
        """A free place, taken instead of this one; this one where none is free."""
        other = next(iter(self.orders.free(order)), place)
        if other is not place:
            other.order, other.song, place.order = place.order, place.song, None
            self.wake()
        return other

    async def _render(self, order: HostOrder, place: HostPlace) -> None:
        """Renders the takes that are left, each of which is finished with its report."""
        host, command = place.engines[order.engine], order.command

        def grown(take: int, stem: StemFile) -> None:
            order.grown[take, stem.stem] = stem
            order.touch()

        def finished(outcome: Outcome) -> None:
            order.finished[outcome.take] = outcome
            order.touch()

        try:
            await started(
                host, lambda loading: self._progress(order, Progress(loading.stage, 0.0)), order.stop
            )
        except ProtocolError as error:
            if error.code is ErrorCode.ENGINE_NOT_READY:
                order.refused_by[place] = error
                self._refuses(place, order.engine, _note_of(error))
            raise
        self._refuses(place, order.engine, "")
        command = replace(command, request=replace(command.request, takes=order.left))
        await host.render(command, lambda at: self._progress(order, at), grown, order.stop, finished)

    def _refuses(self, place: HostPlace, engine: str, note: str) -> None:
        """Keeps what is wrong with an engine in a place; "": nothing."""
        before = self.orders.notes()
        if note:
            known = place.refused.get(engine)
            pause = FIRST_PAUSE if known is None else min(2 * known.pause, LONGEST_PAUSE)
            place.refused[engine] = Refusal(note, time.monotonic(), pause)
        else:
            place.refused.pop(engine, None)
        self._tell_notes(before)

    def _tell_notes(self, before: tuple[str, ...]) -> None:
        """Tells bridges the notes, if they are others than before."""
        if self.orders.notes() != before:
            self.noted.set()
            self.noted = asyncio.Event()

    def _progress(self, order: HostOrder, progress: Progress) -> None:
        if order.progress != progress:
            order.progress = progress
            order.touch()

    def _fail(self, order: HostOrder, error: ProtocolError) -> None:
        log.info("order %s failed: %s", order.name, error)
        order.error, order.state = error, OrderState.FAILED


def _note_of(error: ProtocolError) -> str:
    return f"{error.sentence} {error.remedy}".strip()


def waiting_stage(name: str, before: int) -> str:
    """What a producer reads while an order waits for its turn."""
    if before == 0:
        return f"waiting for a place on {name}, next in line"
    return f"waiting for a place on {name}, {before} before you"
