"""A share of the event loop: whoever serves much in one go lets the rest of the server have its turn in between."""

from __future__ import annotations

import asyncio
import time

# How long one packet or frame may keep the loop; an acknowledgement of another client waits no longer.
SHARE_SECONDS = 0.002


class LoopShare:
    """Measures how long the loop was kept."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def give_way(self) -> None:
        """Lets others run if the share is used up; returns at once otherwise."""
        if time.monotonic() - self._since >= SHARE_SECONDS:
            await asyncio.sleep(0)
            self._since = time.monotonic()
