"""What takes long for one request, such as a network that listens to takes: in a thread, one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TypeVar

from daw_protocol.errors import ErrorCode, ProtocolError
from model.errors import NotLoaded

Check = Callable[[], None]
Found = TypeVar("Found")


class AsideDesk:
    """Lives on the event loop. One at a time: each loads a network, or fills the memory with songs.

    cancelled: the sentence for whoever waits when it is ended.
    """

    def __init__(self, cancelled: str = "Listening to the takes was cancelled.") -> None:
        self._cancelled = cancelled
        self._one_at_a_time = asyncio.Lock()
        self._closed = Event()

    def close(self) -> None:
        """Ends everything: else the server's end would wait for the thread."""
        self._closed.set()

    async def run(self, work: Callable[[Check], Found]) -> Found:
        """What `work` returns; it runs in a thread, and asks `check` meanwhile, which raises ProtocolError once the
        server closes, or this was left early, as by a client that went."""
        async with self._one_at_a_time:
            with self._begun() as check:
                return await asyncio.to_thread(work, check)

    @contextlib.contextmanager
    def _begun(self) -> Iterator[Check]:
        left = Event()

        def check() -> None:
            if left.is_set() or self._closed.is_set():
                raise ProtocolError(ErrorCode.CANCELLED, self._cancelled, "Send the request again.")

        check()
        try:
            yield check
        finally:
            left.set()


def refuse_without_weights(find: Callable[[Path | None], Path], models: Path | None) -> None:
    """Raises ProtocolError, before a process is started for nothing, where `find` raises NotLoaded."""
    try:
        find(models)
    except NotLoaded as error:
        raise ProtocolError(ErrorCode.ENGINE_NOT_READY, error.sentence, error.remedy) from error
