"""Takes that a network listens to on request: with progress to whoever asked, and an end by `cancel`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from bridge_server.handlers.aside_desk import AsideDesk, Check
from bridge_server.handlers.running_requests import RequestProgress, RunningRequest, RunningRequests
from bridge_server.sessions.client import Client
from daw_protocol.errors import ErrorCode, ProtocolError

LISTENING = "listening to the takes"

Found = TypeVar("Found")
OnFraction = Callable[[float], None]


class RunningListening(RunningRequest):
    """Takes being listened to, or waiting for their turn."""

    cancelled = ("Listening to the takes was cancelled.", "Send the request again.")

    @property
    def ending(self) -> str:
        return f"The listening {self.id} is being cancelled."


class ListeningDesk:
    """Lives on the event loop. One request at a time; the others wait."""

    def __init__(self, desk: AsideDesk, running: RunningRequests) -> None:
        self._desk = desk
        self._running = running

    async def run(self, id: str, client: Client, work: Callable[[Check, OnFraction], Found]) -> Found:
        """What `work` returns, in a thread; see AsideDesk. It tells how far it is, 0..1. id: of the request, not empty.

        Raises ProtocolError where it was cancelled, at once also while it waits for its turn.
        """
        with self._running.begun(RunningListening(id, client)) as listening:
            progress = RequestProgress(listening, LISTENING)
            task = asyncio.ensure_future(self._desk.run(lambda check: work(check, progress)))
            listening.ends_by(task.cancel)
            try:
                return await task
            except asyncio.CancelledError:
                if listening.is_cancelled:
                    raise ProtocolError(ErrorCode.CANCELLED, *listening.cancelled) from None
                raise
