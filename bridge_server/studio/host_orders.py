"""The orders of a render host: who is next, in which place, and what has come of each so far.

Producers take turns: of the clients with an order waiting, the one goes next that was served longest ago, and of its
orders the first. Interactive orders go before batches, whoever sent them. Among free places the one that rendered the
same song last gets the order, since its engine still knows the song. Everything happens on the event loop.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

from bridge_server.engines.host import EngineHost
from bridge_server.engines.messages import RenderCommand
from bridge_server.engines.outcome import Outcome, StemFile
from bridge_server.studio.host_files import files_of
from bridge_server.studio.value_codec import to_json
from daw_protocol.errors import ProtocolError
from model.engine import Progress

CLIENTS = 256  # whose last turn is remembered


class OrderState(enum.Enum):
    """How far an order is."""

    WAITING = "waiting"  # for a place
    RENDERING = "rendering"
    DONE = "done"  # its result waits to be fetched
    FAILED = "failed"  # so does its error


@dataclass(eq=False)
class HostOrder:
    """One order, from whichever connection it is looked at.

    name:     what identifies it, its content included: the same order again means this one.
    run:      raised when it is rendered once more, since the process ended that rendered it.
    refused_by: the places that could not start its engine, with what each said; it is given to none of them again.
    grown:    the stems as far as they are rendered. finished: the takes that are complete, whatever becomes of others.
    watchers: how many connections wait for it; left_at: when the last one was lost, in seconds.
    """

    name: str
    client: str
    engine: str
    command: RenderCommand
    state: OrderState = OrderState.WAITING
    progress: Progress | None = None
    run: int = 1
    refused_by: dict[HostPlace, ProtocolError] = field(default_factory=dict)
    grown: dict[tuple[int, str], StemFile] = field(default_factory=dict)
    finished: dict[int, Outcome] = field(default_factory=dict)
    error: ProtocolError | None = None
    watchers: int = 0
    left_at: float | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in (OrderState.DONE, OrderState.FAILED)

    @property
    def left(self) -> tuple[int, ...]:
        """The takes that are still to be made."""
        return tuple(take for take in self.command.request.takes if take not in self.finished)

    def begin_again(self) -> None:
        """The process ended that rendered it: the takes that are complete stay."""
        self.run += 1
        self.grown = {key: stem for key, stem in self.grown.items() if key[0] in self.finished}

    @property
    def song(self) -> str:
        """What a place knows it by that rendered the same song before."""
        return self.command.song or "".join(track.digest for track in self.command.stack)

    def touch(self) -> None:
        """Wakes whoever waits for a change."""
        self.changed.set()
        self.changed = asyncio.Event()


async def always_there() -> bool:
    """Of a place on the host's own machine."""
    return True


@dataclass(frozen=True)
class Refusal:
    """An engine that could not be started in a place.

    note: what was wrong and what to do. at: when that was tried last; pause: how long it is not tried again; seconds.
    """

    note: str
    at: float
    pause: float


@dataclass(eq=False)
class HostPlace:
    """Where one order renders at a time. engines: by name. song: of the last order here.

    there: asks whether its machine is; lost: whether it was not when that was asked last. It gets no order then.
    refused: the engines that could not be started here; orders for them go to other places, where these start them.
    trial: while one of those is tried again, without an order; set to end that.
    """

    name: str
    engines: dict[str, EngineHost]
    there: Callable[[], Awaitable[bool]] = always_there
    lost: bool = False
    refused: dict[str, Refusal] = field(default_factory=dict)
    trial: asyncio.Event | None = None
    order: HostOrder | None = None
    song: str = ""


class HostOrders:
    """The orders there are, and the places they wait for."""

    def __init__(self, places: list[HostPlace]) -> None:
        self.places = places
        self._orders: dict[str, HostOrder] = {}
        self._served: dict[str, int] = {}  # by client: its last turn
        self._turns = 0
        self._made = 0

    def __iter__(self) -> Iterator[HostOrder]:
        return iter(tuple(self._orders.values()))

    def add(self, client: str, engine: str, command: RenderCommand) -> tuple[HostOrder, bool]:
        """The order, and whether it is a new one."""
        name = order_name(engine, command)
        if name in self._orders:
            return self._orders[name], False
        # One that was dropped may still be writing: the same order again has a folder of its own.
        self._made += 1
        order = HostOrder(name, client, engine, replace(command, results=f"{name}-{self._made}"))
        self._orders[name] = order
        return order, True

    def remove(self, order: HostOrder) -> None:
        """Nobody asks for it any more."""
        if self._orders.get(order.name) is order:
            del self._orders[order.name]

    def of(self, client: str) -> int:
        """How many orders a client has here."""
        return sum(order.client == client for order in self._orders.values())

    def in_use(self) -> set[str]:
        """The digests of everything that orders name."""
        return {
            digest for order in self._orders.values() if not order.ended for digest in files_of(order.command)
        }

    def next(self) -> tuple[HostOrder, HostPlace] | None:
        """The next order and its place, taken; None while nothing waits or no place is free."""
        if not self.free():
            return None
        for order in self.waiting():
            if free := self.free(order):
                break
        else:
            return None
        same_song = [place for place in free if order.song and place.song == order.song]
        place = (same_song or [place for place in free if not place.song] or free)[0]
        self._turns += 1
        self._served.pop(order.client, None)
        self._served[order.client] = self._turns
        if len(self._served) > CLIENTS:
            del self._served[next(iter(self._served))]
        order.state, place.order, place.song = OrderState.RENDERING, order, order.song
        return order, place

    def free(self, order: HostOrder | None = None) -> list[HostPlace]:
        """The places that this order, or any, can be given to now."""
        places = self.places if order is None else self.open_to(order)
        return [place for place in places if place.order is None and place.trial is None and not place.lost]

    def open_to(self, order: HostOrder) -> list[HostPlace]:
        """The places, busy or not, that may render an order: those that start its engine, as far as is known, where
        there are any; never one that refused this order."""
        left = [place for place in self.places if not place.lost and place not in order.refused_by]
        return [place for place in left if order.engine not in place.refused] or left

    def starts(self, order: HostOrder) -> bool:
        """Whether any of those starts its engine, as far as is known."""
        return any(order.engine not in place.refused for place in self.open_to(order))

    def wanted(self, place: HostPlace) -> bool:
        """Whether an order waits that may be given to this place."""
        return any(place in self.open_to(order) for order in self.waiting())

    def notes(self) -> tuple[str, ...]:
        """What is wrong with places, each sentence once."""
        return tuple(
            dict.fromkeys(refusal.note for place in self.places for refusal in place.refused.values())
        )

    def waiting(self) -> list[HostOrder]:
        """The orders that wait, the next one first."""
        served, turns = dict(self._served), self._turns
        left = [order for order in self._orders.values() if order.state is OrderState.WAITING]
        found = []
        while left:
            # `min` and `max` keep the first of equals, and orders stand in the order in which they came.
            urgent = max(order.command.priority for order in left)
            order = min(
                (order for order in left if order.command.priority == urgent),
                key=lambda order: served.get(order.client, 0),
            )
            turns += 1
            served[order.client] = turns
            left.remove(order)
            found.append(order)
        return found


def order_name(engine: str, command: RenderCommand) -> str:
    """Identifies an order by all that is in it: its job, its takes, its seed, everything else that makes its sound."""
    fields, _ = to_json(replace(command, number=0))
    text = json.dumps([engine, fields], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
