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

    def __init__(self, places: EnginePlaces, rank: Rank) -> None:
        self._places = places
        self._rank = rank
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
    """The places of one engine. The first free one is lent first: it is the one most likely to run already.

    clock: seconds; only differences matter.
    """

    def __init__(self, hosts: Iterable[EngineHost], clock: Callable[[], float] = time.monotonic) -> None:
        self.hosts = tuple(hosts)
        self._clock = clock
        self._last_used = clock()
        self._free = list(range(len(self.hosts)))
        self._waiting: list[tuple[Rank, int, PlaceClaim]] = []
        self._claims = count()  # two claims of one rank, should there be any, come in order

    @property
    def free(self) -> bool:
        """Whether a place is free; nobody waits for one then."""
        return bool(self._free)

    @property
    def in_use(self) -> bool:
        """Whether any place is lent."""
        return len(self._free) < len(self.hosts)

    @property
    def idle_seconds(self) -> float:
        """For how long no place was lent; 0 while one is."""
        return 0.0 if self.in_use else self._clock() - self._last_used

    def used(self) -> None:
        """Idle from now on, as after a render: an engine that was started ahead is not unloaded at once."""
        self._last_used = self._clock()

    def claim(self, rank: Rank) -> PlaceClaim:
        """A claim to a place, granted at once where one is free."""
        claim = PlaceClaim(self, rank)
        if self._free:
            claim._granted.set_result(self.hosts[heapq.heappop(self._free)])
        else:
            heapq.heappush(self._waiting, (rank, next(self._claims), claim))
        return claim

    def _free_again(self, host: EngineHost) -> None:
        while self._waiting:
            *_, claim = heapq.heappop(self._waiting)
            if not claim._granted.done():  # it was not given up
                claim._granted.set_result(host)
                return
        heapq.heappush(self._free, self.hosts.index(host))
        self.used()
