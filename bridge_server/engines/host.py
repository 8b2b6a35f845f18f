"""A place where an engine renders, as the rest of the server knows it: a process here, or one on another machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from bridge_server.engines.messages import RenderCommand
from bridge_server.engines.outcome import Outcome, StemFile
from model.engine import EngineDescription, OnProgress, Progress

OnPiece = Callable[[int, StemFile], None]
"""Called with a take and a stem of it, as far as that is written, each time the stem has grown."""

OnOutcome = Callable[[Outcome], None]
"""Called with a take that is complete while others of its order are still rendered."""


class RenderCancelledError(Exception):
    """The render was stopped because its job was cancelled."""


def ignore_progress(_: Progress) -> None:
    """Ignores progress while an engine loads ahead of the first request."""


def ignore_outcome(_: Outcome) -> None:
    """Waits for the whole order."""


class EngineHost(Protocol):
    """One engine in one place, which renders one order at a time. Lives on the event loop.

    Whatever happens to the place, a host can be used again: `start` and `render` replace what has died.
    """

    @property
    def place(self) -> str:
        """Where it is, for producers: "this machine"."""
        ...

    @property
    def home(self) -> str:
        """Tells it from those that do not know what its engine found out about a song: a render host's places share
        that."""
        ...

    @property
    def rendered_on(self) -> str:
        """What recipes say of it: "studio (NVIDIA H200)"; "" for this machine."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it can be reached now: this machine always can."""
        ...

    @property
    def lacking(self) -> bool:
        """Whether it is known not to have the engine: it is lent to nobody then."""
        ...

    @property
    def description(self) -> EngineDescription | None:
        """What the engine can do; None before its first start."""
        ...

    @property
    def pid(self) -> int | None:
        """The process on this machine that renders; None while there is none."""
        ...

    @property
    def starts(self) -> int:
        """How often the engine was started here, the first time included."""
        ...

    async def start(self, on_progress: OnProgress = ignore_progress) -> None:
        """Starts the engine and loads it, unless it is ready. Raises ProtocolError."""
        ...

    async def render(
        self,
        command: RenderCommand,
        on_progress: OnProgress,
        on_piece: OnPiece,
        stop: asyncio.Event,
        on_outcome: OnOutcome = ignore_outcome,
    ) -> tuple[Outcome, ...]:
        """Renders every take of an order; starts the engine if necessary.

        A place that knows of takes that are complete before the order is tells `on_outcome`, and returns them as well.
        The results stay in files of this machine until `discard`. Raises RenderCancelledError after `stop` is set, and
        ProtocolError when it cannot be done: ENGINE_DIED means that the same order may succeed in another try.
        """
        ...

    def discard(self, command: RenderCommand) -> None:
        """Removes the files of an order, whether it came to an end or not."""
        ...

    async def close(self) -> None:
        """Ends the engine and frees its memory."""
        ...


async def started(host: EngineHost, on_progress: OnProgress, stop: asyncio.Event) -> None:
    """Loads the engine, unless it is loaded; a cancelled job does not wait for that.

    Raises ProtocolError, and RenderCancelledError when `stop` is set first.
    """
    loading = asyncio.create_task(host.start(on_progress))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not loading.done():
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            await host.close()
    if loading.cancelled():
        raise RenderCancelledError
    loading.result()
