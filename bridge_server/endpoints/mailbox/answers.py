"""The answers on their way to the disk: one thread writes their lines in the order in which they were said.

A disk that others keep busy may take a second to sync a file, and the event loop is not to wait for it. While a server
runs, the folder is used in this thread alone; what the loop wants of it is asked for with `do`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from bridge_server.endpoints.mailbox.folder import Letter, MailboxFolder
from bridge_server.log_words import public_words
from daw_protocol.replies import TakeReady

log = logging.getLogger(__name__)

Found = TypeVar("Found")


@dataclass(frozen=True)
class Line:
    """A line of an answer file.

    take:  the id of the take it announces, "" if none: a line whose take the answer has announced is left out.
    last:  whether it ends a job.
    """

    text: str
    take: str = ""
    last: bool = False


class Answers:
    """Writes answers, one after the other. `write` and `finish` return at once."""

    def __init__(self, folder: MailboxFolder) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "mailbox")
        # By answer: ids of takes; only of jobs that have not ended. Belongs to the thread.
        self._announced: dict[str, set[str]] = {}

    async def do(self, function: Callable[..., Found], *given: Any) -> Found:
        """What the function returns or raises, called after everything that was asked for before."""
        return await self._submitted(partial(function, *given))

    def write(self, name: str, line: Line) -> None:
        """Adds a line to an answer file."""
        self._submit(partial(self._write, name, line))

    async def finish(self, letter: Letter, text: str | None, held: Iterable[Line]) -> None:
        """Writes the response, then the lines that had to wait for it, then drops the request; it is all on the disk
        when this returns. Once begun it is carried out, also when the caller is cancelled.

        text: None where nothing is to be answered.
        """

        def write() -> None:
            if text is not None:
                # Before the request goes: after a power cut one of the two is there.
                self._folder.append(letter.name, text, durable=True)
            for line in held:
                self._write(letter.name, line)
            self._folder.finish(letter)

        await self._submitted(write)

    async def close(self) -> None:
        """Waits until everything is written. Nothing can be written after it."""
        await asyncio.to_thread(self._thread.shutdown)

    def _write(self, name: str, line: Line) -> None:
        if not line.take or self._is_new(name, line.take):
            self._folder.append(name, line.text)
        if line.last:
            self._announced.pop(name, None)

    def _is_new(self, name: str, take: str) -> bool:
        """Whether an answer does not announce this take yet; after this it counts as announced."""
        if name not in self._announced:
            self._announced[name] = takes_in(self._folder.lines(name))
        known = take in self._announced[name]
        self._announced[name].add(take)
        return not known

    def _submit(self, work: Callable[[], None]) -> None:
        self._thread.submit(work).add_done_callback(_logged)

    async def _submitted(self, work: Callable[[], Found]) -> Found:
        # Shielded: what is to be written does not get lost when the server stops.
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(work)))


def _logged(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("mailbox: %s", public_words(error), exc_info=error)


def takes_in(lines: list[str]) -> set[str]:
    """Ids of the takes that an answer announces."""
    written = [notified(line) for line in lines]
    return {str(params.get("take")) for method, params in written if method == TakeReady.name}


def notified(line: str) -> tuple[str, dict[str, Any]]:
    """Name and values of the reply in a line of an answer; ("", {}) for anything else."""
    try:
        value = json.loads(line)
        return str(value["method"]), dict(value["params"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", {}
