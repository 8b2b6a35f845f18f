"""Lends an engine's places to renders, each to one at a time.

A render claims a place when its job begins, long before it needs it, so that the worker sees at once whether there is
room for another job. Places that become free go to the claim that comes first by rank, not to the one made first: a
take that has to be tried again keeps its turn. Everything happens on the event loop.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from bridge_server.engines.host import EngineHost, RenderCancelledError

Rank = tuple[int, int]
"""Whose turn it is: the smallest first. The job's place among the jobs begun, then the take's number."""


class PlaceClaim:
    """A render's claim to a place, until it is released."""

    def __init__(self, places: EnginePlaces, rank: Rank, song: str = "") -> None:
        self._places = places
        self._rank = rank
        self.song = song
        self._granted: asyncio.Future[EngineHost] = asyncio.get_running_loop().create_future()
        self._released = False

    async def host(self, stop: asyncio.Event) -> EngineHost:
        """The place, once it is this claim's turn. Raises RenderCancelledError when `stop` is set before."""
        stopping = asyncio.create_task(stop.wait())
        try:
            either: set[asyncio.Future[Any]] = {self._granted, stopping}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if stop.is_set():
            raise RenderCancelledError
        return self._granted.result()

    def release(self) -> None:
        """Gives the place back, or the claim to one up; a second time does nothing."""
        if self._released:
            return
        self._released = True
        if self._granted.done():
            self._places._free_again(self._granted.result())
        else:
            self._granted.cancel()


class EnginePlaces:
    """The places of one engine. Of the free ones that is lent first where the same song was last, so that what its
    engine found out about it is used again; else the first, which is the one most likely to run already.

    Places on other machines come and go. One that cannot be reached is lent only where no place of its kind can: the
    render then waits there. One that lacks the engine is never lent.

    reserve:     places that are lent only while `reserve_open` says so, and then in place of the others.
    clock: seconds; only differences matter.
    """

    def __init__(
        self,
        hosts: Iterable[EngineHost],
        clock: Callable[[], float] = time.monotonic,
        reserve: Iterable[EngineHost] = (),
        reserve_open: Callable[[], bool] = lambda: False,
    ) -> None:
        self._usual = list(hosts)
        self._reserve = tuple(reserve)
        self._reserve_open = reserve_open
        self._lent: set[EngineHost] = set()
        self._songs: dict[str, str] = {}  # the last one, by home
        self._clock = clock
        self._last_used = clock()
        self._waiting: list[tuple[Rank, int, PlaceClaim]] = []
        self._claims = count()  # two claims of one rank, should there be any, come in order

    @property
    def hosts(self) -> tuple[EngineHost, ...]:
        """All of them."""
        return (*self._usual, *self._reserve)

    @property
    def count(self) -> int:
        """How many renders there is room for as things are."""
        if self._reserve_open():
            return len(self._reserve)
        return sum(host.ready for host in self._usual) or sum(not host.lacking for host in self._usual)

    @property
    def free(self) -> bool:
        """Whether a place is free; nobody waits for one then."""
        return self._next() is not None

    @property
    def in_use(self) -> bool:
        """Whether any place is lent."""
        return bool(self._lent)

    @property
    def idle_seconds(self) -> float:
        """For how long no place was lent; 0 while one is."""
        return 0.0 if self.in_use else self._clock() - self._last_used

    def used(self) -> None:
        """Idle from now on, as after a render: an engine that was started ahead is not unloaded at once."""
        self._last_used = self._clock()

    def add(self, hosts: Iterable[EngineHost]) -> None:
        """Further places."""
        self._usual += hosts
        self.changed()

    def changed(self) -> None:
        """A place may be reachable that was not, or the other way round."""
        while self._waiting and (host := self._next(self._waiting[0][-1].song)) is not None:
            *_, claim = heapq.heappop(self._waiting)
            if not claim._granted.done():  # it was not given up
                self._lent.add(host)
                self._songs[host.home] = claim.song
                claim._granted.set_result(host)

    def claim(self, rank: Rank, song: str = "") -> PlaceClaim:
        """A claim to a place, granted at once where one is free. song: what it is about, as requests name it."""
        claim = PlaceClaim(self, rank, song)
        heapq.heappush(self._waiting, (rank, next(self._claims), claim))
        self.changed()
        return claim

    def _next(self, song: str = "") -> EngineHost | None:
        """The free place that is lent next to whoever wants this song."""
        if self._reserve_open():
            return next((host for host in self._reserve if host not in self._lent), None)
        anywhere = any(host.ready for host in self._usual)
        free = [
            host
            for host in self._usual
            if host not in self._lent and not host.lacking and (host.ready or not anywhere)
        ]
        knowing = (host for host in free if song and self._songs.get(host.home) == song)
        return next(knowing, next(iter(free), None))

    def _free_again(self, host: EngineHost) -> None:
        self._lent.discard(host)
        if not self._lent:
            self.used()
        self.changed()
