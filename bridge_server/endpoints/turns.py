"""Turns on the event loop: whoever has much to ask asks one thing at a time, and everybody else comes in between.

Start-time fair queueing (Goyal, Vin, Cheng 1996) with requests that all count the same: a client that has had few
turns goes before one that has had many, and one that was quiet has saved up one, however long it was quiet.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass


@dataclass
class TurnTaker:
    """Someone who takes turns. served: the virtual time at which its last turn ends."""

    served: int = 0


class Turns:
    """One turn in each round of the loop, over all clients. Lives on the event loop.

    Twenty clients that send batches without end then delay another client's request by the length of one or two of
    their calls, never by that of their batches; and an OSC message, which needs no turn, by one.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._now = 0  # virtual: the beginning of the turn that was given last
        self._is_giving = False

    async def next(self, taker: TurnTaker) -> None:
        """Waits for this one's turn."""
        begins = max(self._now - 1, taker.served)  # one earlier than all that wait, for one that was quiet
        taker.served = begins + 1
        if not self._is_giving:  # nobody waits, and nobody has had a turn in this round
            self._now = max(self._now, begins)
            self._give_soon()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (begins, next(self._numbers), turn))
        await turn

    def _give_soon(self) -> None:
        self._is_giving = True
        asyncio.get_running_loop().call_soon(self._give)

    def _give(self) -> None:
        self._is_giving = False
        while self._waiting:
            begins, _, turn = heapq.heappop(self._waiting)
            self._now = max(self._now, begins)
            if not turn.done():  # cancelled: its client has gone
                turn.set_result(None)
                self._give_soon()
                return
