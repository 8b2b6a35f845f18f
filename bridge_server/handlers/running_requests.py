"""Requests that take long and are no jobs, such as exports, by the id of each, so that `cancel` finds them.

The event loop adds, cancels and forgets; the thread that works only reads its own request's mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from threading import Event
from typing import ClassVar, TypeVar

from bridge_server.sessions.client import Client
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import JobProgress

PROGRESS_SECONDS = 0.1

Kind = TypeVar("Kind", bound="RunningRequest")


class RunningRequest(ABC):
    """A request under way. Its kinds say what its end by `cancel` means."""

    cancelled: ClassVar[tuple[str, str]]
    """The sentence for whoever waits for it, and the remedy."""

    def __init__(self, id: str, client: Client) -> None:
        self.id = id
        self.client = client
        self._cancelled = Event()
        self._end: Callable[[], object] = lambda: None

    @property
    @abstractmethod
    def ending(self) -> str:
        """The answer to `cancel`."""

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def ends_by(self, end: Callable[[], object]) -> None:
        """What `cancel` calls besides, on the event loop."""
        self._end = end

    def cancel(self) -> None:
        """Ends it at its next check."""
        self._cancelled.set()
        self._end()

    def check(self) -> None:
        """For the thread that works. Raises ProtocolError once it is cancelled."""
        if self.is_cancelled:
            raise ProtocolError(ErrorCode.CANCELLED, *self.cancelled)


class RunningExport(RunningRequest):
    """An export being written; one that is cancelled leaves no file. name: of the take or song; format: of the file."""

    cancelled = ("The export was cancelled; no file was written.", "Export again to get the file.")

    def __init__(self, id: str, client: Client, name: str = "", format: str = "") -> None:
        super().__init__(id, client)
        self.name = name
        self.format = format

    @property
    def ending(self) -> str:
        return f"Export {self.id} is being cancelled."


class RunningRequests:
    """All of them. Lives on the event loop."""

    def __init__(self) -> None:
        self._running: list[RunningRequest] = []

    @property
    def exports(self) -> tuple[RunningExport, ...]:
        """In the order they were begun."""
        return tuple(one for one in self._running if isinstance(one, RunningExport))

    @contextlib.contextmanager
    def begun(self, request: Kind) -> Iterator[Kind]:
        """Notes a request until the block ends; a block that is left early cancels it."""
        self._running.append(request)
        try:
            yield request
        finally:
            request.cancel()  # when the server stops, the thread is still at work
            self._running.remove(request)

    def cancel(self, request: RunningRequest) -> None:
        """Ends a request, and every other of its sender under its id: whoever cancels that means them all."""
        for one in tuple(self._named(request.id)):
            if one.client.sender == request.client.sender:
                one.cancel()

    def of_client(self, id: str, client: Client) -> RunningRequest | None:
        """What this client asked for under this id, the newest of several."""
        return self._newest(one for one in self._named(id) if one.client.sender == client.sender)

    def of_machine(self, id: str, client: Client) -> RunningRequest | None:
        """As `of_client`, of any program on the client's machine: messages typed one by one come from other ports."""
        return self._newest(one for one in self._named(id) if one.client.key == client.key)

    def of_anyone(self, id: str) -> RunningRequest | None:
        """The only one under this id, whoever asked for it: `status` names exports to everybody."""
        found = list(self._named(id))
        return found[0] if len(found) == 1 else None

    def _named(self, id: str) -> Iterator[RunningRequest]:
        return (one for one in reversed(self._running) if one.id == id)

    @staticmethod
    def _newest(found: Iterator[RunningRequest]) -> RunningRequest | None:
        return next(found, None)


class RequestProgress:
    """Progress of a thread's work to the client that asked for it, thinned out; ends the work once it is cancelled.

    Made on the event loop; the first progress, which tells the request's id, is sent at once.
    """

    def __init__(self, request: RunningRequest, stage: str) -> None:
        self._request = request
        self._stage = stage
        self._loop = asyncio.get_running_loop()
        self._last = time.monotonic()
        request.client.send(self._reply(0.0))

    def __call__(self, fraction: float) -> None:
        """For the thread. Raises ProtocolError when the request was cancelled."""
        self._request.check()
        self.tell(fraction)

    @property
    def sender(self) -> str:
        """Of the request."""
        return self._request.client.sender

    @property
    def waits(self) -> bool:
        """Whether the request has not been cancelled; for any thread."""
        return not self._request.is_cancelled

    def tell(self, fraction: float) -> None:
        """For a thread that works for several requests, and ends once none of them waits."""
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            with contextlib.suppress(RuntimeError):  # the server is stopping
                self._loop.call_soon_threadsafe(self._request.client.send, self._reply(fraction))

    def _reply(self, fraction: float) -> JobProgress:
        return JobProgress(id=self._request.id, job="", stage=self._stage, fraction=fraction)


def new_id() -> str:
    """The id of a request that had none: nobody else's."""
    return f"x{secrets.token_hex(5)}"
