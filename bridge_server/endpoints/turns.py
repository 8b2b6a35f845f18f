"""Turns on the event loop: whoever has much to ask asks one thing at a time, and everybody else comes in between."""

from __future__ import annotations

import asyncio


class Turns:
    """One turn in each round of the loop, in the order they were asked for, over all clients.

    Twenty clients that send batches without end then delay an OSC message, or another client's request, by the length
    of a request or two, never by that of their batches.
    """

    def __init__(self) -> None:
        self._one_by_one = asyncio.Lock()  # its waiters form a queue

    async def next(self) -> None:
        """Waits for the caller's turn."""
        async with self._one_by_one:
            await asyncio.sleep(0)
