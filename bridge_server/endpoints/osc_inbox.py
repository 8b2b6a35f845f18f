"""Datagrams that wait to be served, in the order they came: bounded in all, for each machine, and for each sender."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

log = logging.getLogger(__name__)

Address = tuple[str, int]

# Datagrams waiting to be served. UDP may lose anything anyway; a flood is dropped here, where it costs nothing.
INBOX = 1024
# So many of them from one sender, and from all ports of one machine: a flood must not crowd out the others.
FROM_ONE = INBOX // 2
FROM_MACHINE = INBOX * 3 // 4


class OscInbox:
    """A queue of datagrams. dropped: how many found no room."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(INBOX)
        self._senders: Counter[Address] = Counter()
        self._machines: Counter[str] = Counter()
        self.dropped = 0

    def put(self, data: bytes, sender: Address) -> None:
        """Keeps a datagram, or drops it when there is no room for one more of this sender or its machine."""
        if not self._room_for(sender):
            self.dropped += 1
            if self.dropped % INBOX == 1:
                log.warning("OSC messages come faster than they can be served; %d dropped", self.dropped)
            return
        self._senders[sender] += 1
        self._machines[sender[0]] += 1
        self._waiting.put_nowait((data, sender))

    async def get(self) -> tuple[bytes, Address]:
        """The oldest datagram and its sender; waits for one."""
        data, sender = await self._waiting.get()
        self._senders[sender] -= 1
        self._machines[sender[0]] -= 1
        if not self._senders[sender]:  # none is remembered for ever
            del self._senders[sender]
        if not self._machines[sender[0]]:
            del self._machines[sender[0]]
        return data, sender

    def _room_for(self, sender: Address) -> bool:
        if self._waiting.full():
            return False
        return self._senders.get(sender, 0) < FROM_ONE and self._machines.get(sender[0], 0) < FROM_MACHINE
