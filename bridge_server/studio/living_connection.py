"""Connections of an engine link, with signs of life.

Each side sends one again and again and waits for no answer, which would stand in line behind a song that is being sent.
Whatever arrives counts, a part of a long message too: a slow line is no dead one.
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.protocol import State


class _Living(Connection):
    """A connection that ends when nothing arrives for `ping_timeout` seconds; it sends a sign every `ping_interval`."""

    _heard_at = float("-inf")

    def data_received(self, data: bytes) -> None:
        """Whatever it is."""
        self._heard_at = self.loop.time()
        super().data_received(data)

    async def keepalive(self) -> None:
        """In place of the library's, which waits for answers. It is ended with the connection."""
        assert self.ping_interval is not None, "started for it"
        assert self.ping_timeout is not None, "given with it"
        self._heard_at = self.loop.time()
        while True:
            await asyncio.sleep(self.ping_interval)
            if not self.transport.is_reading():  # what has come was not taken in yet, and more may wait
                self._heard_at = self.loop.time()
            elif self.loop.time() - self._heard_at > self.ping_timeout:
                self.transport.abort()
                return
            # What is held up by what is being sent would be late, and that is a sign by itself.
            if self.protocol.state is State.OPEN and not self.paused:
                self.protocol.send_pong(b"")
                self.send_data()


class LivingClient(_Living, ClientConnection):
    """The bridge's end."""


class LivingServer(_Living, ServerConnection):
    """The host's end."""
