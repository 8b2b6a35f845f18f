"""A training in a process of its own, as whoever ordered it sees it: its news in order, stop, pause and the end.

One thread waits for news; any thread may stop or pause.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from bridge_server.platforms import how_it_ended
from bridge_server.training.training_child import (
    BROKE,
    DONE,
    GO_ON,
    MEMORY,
    NEWS,
    NOT_READY,
    PAUSE,
    REFUSED,
    STOP,
    STOPPED,
    training_main,
)
from daw_protocol.errors import ErrorCode, ProtocolError

TRAINER = "model.acestep.training.training_run"
"""Named, not imported: its code needs torch, which only its process loads."""
EXIT_SECONDS = 10.0
_CODES = {
    STOPPED: ErrorCode.CANCELLED,
    REFUSED: ErrorCode.CANNOT_RENDER,
    NOT_READY: ErrorCode.ENGINE_NOT_READY,
    MEMORY: ErrorCode.OUT_OF_MEMORY,
    BROKE: ErrorCode.INTERNAL,
}
STOPPED_SENTENCE = "The training was stopped; what it has learnt so far is kept."
STOPPED_REMEDY = "Resume it, or run the same command again, to go on."


class Trains(Protocol):
    """What carries a training out: a process of this machine, or a render host's, followed from here."""

    def news(self) -> Iterator[dict[str, Any]]:
        """Everything the training tells, as it comes; the last one is its result, with the key "adapter".

        Raises ProtocolError when it ends without one: stopped, refused, or the process died.
        """

    def stop(self) -> None:
        """Ends the training after the example it is at; its state is kept. The news end with an error that says so."""

    def leave(self) -> None:
        """Ends it here: one of this machine stops, one elsewhere goes on by itself."""

    def pause(self, paused: bool) -> None:
        """Waits before the next example, or goes on, where it shares a device with the renders of this machine."""

    def kill(self) -> None:
        """Ends it here at once; the news end with an error that says so."""

    def close(self) -> None:
        """Ends what there is of it here, however far it is."""


Start = Callable[[Mapping[str, Any], Mapping[str, Path], bool], Trains]
"""Begins a training. Takes its order, the songs by digest, and whether it lowers its priority."""


class TrainingProcess:
    """Runs one training. order, paths: see `training_main`."""

    def __init__(self, order: Mapping[str, Any], paths: Mapping[str, Path], yields: bool = True) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share this process's threads and locks
        self._connection, theirs = context.Pipe()
        args = (theirs, dict(order), dict(paths), yields, TRAINER)
        self._process = context.Process(target=training_main, args=args)
        self._process.start()
        theirs.close()  # so that the end of the process closes the pipe

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def news(self) -> Iterator[dict[str, Any]]:
        """See Trains."""
        while True:
            try:
                kind, told = self._connection.recv()
            except (EOFError, OSError) as closed:
                raise self._died() from closed
            if kind in (NEWS, DONE):
                yield told
            if kind == DONE:
                return
            if kind == STOPPED:
                raise ProtocolError(_CODES[kind], STOPPED_SENTENCE, STOPPED_REMEDY)
            if kind != NEWS:
                raise ProtocolError(_CODES[kind], told["sentence"], told["remedy"])

    def stop(self) -> None:
        """See Trains."""
        self._tell(STOP)

    def leave(self) -> None:
        """See Trains."""
        self.stop()

    def pause(self, paused: bool) -> None:
        """See Trains."""
        self._tell(PAUSE if paused else GO_ON)

    def kill(self) -> None:
        """See Trains."""
        self._process.kill()

    def close(self) -> None:
        """See Trains."""
        self._connection.close()
        self._process.join(EXIT_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _tell(self, message: str) -> None:
        with contextlib.suppress(OSError):  # it has ended already; the news say how
            self._connection.send(message)

    def _died(self) -> ProtocolError:
        self._process.join(EXIT_SECONDS)
        return ProtocolError(
            ErrorCode.ENGINE_DIED,
            f"The training's process {how_it_ended(self._process.exitcode)}.",
            "Resume it, or run the same command again: it goes on from the last state it kept.",
        )
