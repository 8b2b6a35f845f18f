"""The one training a server runs, in a process of its own that a thread follows: begun, paused, stopped, gone on with.

The thread tells what happens; the runner, on the event loop, keeps the newest state and passes it on. While the server
renders, the training waits. The end of the server stops it with its place kept, and the next start goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge_server.errors import server_is_stopping
from bridge_server.training.kept_trainings import Measured
from bridge_server.training.song_folder import SongToLearn
from bridge_server.training.training import Standing, Training
from bridge_server.training.training_process import Start, TrainingProcess
from bridge_server.training.training_wish import TrainingWish, only_one
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

PUBLISH_SECONDS = 0.25
CLOSE_SECONDS = 15.0
"""How long the end of the server waits for a training to keep its place: a state may be a gigabyte."""


@dataclass(frozen=True)
class RunningTraining:
    """How the server's training is. state: "training", "waiting" (for a render), "stopped", "failed" or "done".

    described: songs that a planner wrote about. file: of the finished adapter. stopped_early: see Trained.
    error: why it failed. ended: when, in seconds of the system's clock, which stamps files too.
    """

    wish: TrainingWish
    songs: tuple[str, ...]
    state: str = "training"
    standing: Standing = field(default_factory=lambda: Standing("starting", 0.0))
    described: tuple[str, ...] = ()
    file: str = ""
    stopped_early: bool = False
    error: ProtocolError | None = None
    ended: float = 0.0

    @property
    def under_way(self) -> bool:
        return self.state in ("training", "waiting")


Change = Callable[[RunningTraining], RunningTraining]
Report = Callable[[Change], None]
"""Takes what has changed from the thread to the event loop."""


class TrainingRunner:
    """Lives on the event loop, but for `_carry_out`, which is the thread's.

    changed: is called on the event loop with every new state, some four times a second.
    """

    def __init__(self, changed: Callable[[RunningTraining], None] = lambda _: None) -> None:
        self._changed = changed
        self._control = _Control()
        self._thread: threading.Thread | None = None
        self._renders = self._closed = False
        self._measured: Callable[[], Measured] = Measured
        self.current: RunningTraining | None = None

    @property
    def measured(self) -> Measured:
        """Of the training under way, or the last one."""
        return self._measured()

    def refuse_another(self) -> None:
        """Raises ProtocolError while a training is under way: two would only share the device's memory."""
        if self.current is not None and self.current.under_way:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"{self.current.wish.name} is being trained.",
                "Wait until it has finished or stop it, then start the next one.",
                "name",
            )

    def begin(
        self,
        wish: TrainingWish,
        songs: Sequence[SongToLearn],
        consent: Mapping[str, Any],
        start: Start = TrainingProcess,
    ) -> RunningTraining:
        """Starts or goes on. start: see Training. Raises ProtocolError while one is under way, and after the end."""
        if self._closed:
            raise server_is_stopping()
        self.refuse_another()
        control = self._control = _Control()
        control.pause(self._renders)
        self._measured = Measured
        self.current = RunningTraining(wish, tuple(song.path.name for song in songs))
        if self._renders and not wish.on:
            self.current = replace(self.current, state="waiting")
        loop = asyncio.get_running_loop()

        def report(change: Change) -> None:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                loop.call_soon_threadsafe(self._moved, control, change)

        self._thread = threading.Thread(
            target=self._carry_out, args=(wish, songs, consent, start, control, report), name="training", daemon=True,
        )  # fmt: skip
        self._thread.start()
        return self.current

    def stop(self, name: str = "") -> RunningTraining:
        """Stops the training within a moment; its place is kept. Raises ProtocolError where it is not under way."""
        current = self.current
        if current is None or not current.under_way or (name and name != current.wish.name):
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"{name} is not being trained." if name else "Nothing is being trained.",
                "It may have ended just now: look at the list of trainings.",
                "name",
            )
        self._control.stop(for_good=True)
        return current

    def yield_to_renders(self, renders: bool) -> None:
        """Whether the server renders at this moment: the training waits as long."""
        self._renders = renders
        self._control.pause(renders)
        if self.current is not None and self.current.under_way and not self.current.wish.on:
            self.current = replace(self.current, state="waiting" if renders else "training")
            self._changed(self.current)

    def forget(self, name: str) -> None:
        """A training that has ended and was removed."""
        if self.current is not None and self.current.wish.name == name and not self.current.under_way:
            self.current = None

    async def close(self) -> None:
        """Ends the training with the server; the next one goes on. Nothing can be begun any more."""
        self._closed = True
        self._control.stop(for_good=False)
        if self.current is not None and self.current.standing.step == 0:
            self._control.end()  # nothing is learnt yet, and loading may take longer than anybody wants to wait
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
            self._control.end()

    def _moved(self, control: _Control, change: Change) -> None:
        if control is self._control and self.current is not None:
            self.current = change(self.current)
            self._changed(self.current)

    def _carry_out(
        self,
        wish: TrainingWish,
        songs: Sequence[SongToLearn],
        consent: Mapping[str, Any],
        start: Start,
        control: _Control,
        report: Report,
    ) -> None:
        """Says how it ended when nothing of it is left running: then it can be gone on with, or removed."""
        try:
            with only_one(wish), contextlib.closing(Training(wish, songs, consent, start=start)) as training:
                self._measured = lambda: training.measured
                training.keep(under_way=True)
                control.takes(training)
                ended = self._followed(training, control, report)
        except ProtocolError as error:
            ended = _failed(error)
        except Exception:
            log.exception("A training met a bug")
            ended = _failed(_our_fault())
        report(ended)

    def _followed(self, training: Training, control: _Control, report: Report) -> Change:
        """How it ended."""
        told, phase = 0.0, ""
        try:
            for standing in training.follow():
                now, news = time.monotonic(), standing.checked is not None or standing.phase != phase
                if news or now - told >= PUBLISH_SECONDS:
                    told, phase = now, standing.phase
                    report(_stands(standing, training.described))
        except ProtocolError as error:
            killed = control.stopped and error.code is ErrorCode.ENGINE_DIED  # it did not stop in time
            if error.code is ErrorCode.CANCELLED or killed:
                training.keep(under_way=not control.stopped_for_good)
                return lambda current: replace(current, state="stopped")
            if error.code is ErrorCode.INTERNAL:
                log.error(
                    "A training met a bug. %s", error.remedy
                )  # a traceback without words of the producer
                error = _our_fault()
            # Not under way any more: where the memory is too small, trying again at each start would not help.
            with contextlib.suppress(ProtocolError):  # the first error is the one that counts
                training.keep(under_way=False, sentence=error.sentence, remedy=error.remedy)
            return _failed(error)
        made = training.made
        assert made is not None, "it told everything"
        return lambda current: replace(
            current, state="done", file=made.file, stopped_early=made.stopped_early
        )


class _Control:
    """What is asked of a training that may not have begun yet; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._training: Training | None = None
        self._paused = False
        self.stopped = self.stopped_for_good = False

    def takes(self, training: Training) -> None:
        with self._lock:
            self._training = training
            if self._paused:
                training.pause(True)
            if self.stopped:
                self._end_of(training)

    def pause(self, paused: bool) -> None:
        with self._lock:
            before, self._paused = self._paused, paused
            if self._training is not None and before != paused:
                self._training.pause(paused)

    def stop(self, *, for_good: bool) -> None:
        with self._lock:
            self.stopped = True
            self.stopped_for_good = self.stopped_for_good or for_good
            if self._training is not None:
                self._end_of(self._training)

    def _end_of(self, training: Training) -> None:
        if self.stopped_for_good:
            training.stop()
        else:
            training.leave()

    def end(self) -> None:
        """The process, if it still runs: it had its time."""
        with self._lock:
            if self._training is not None:
                self._training.end()


def _stands(standing: Standing, described: tuple[str, ...]) -> Change:
    def change(current: RunningTraining) -> RunningTraining:
        state = current.state
        if current.wish.on:  # there it waits for the renders of the host, and for other trainings
            state = "waiting" if standing.waits else "training"
        return replace(current, state=state, standing=standing, described=described)

    return change


def _failed(error: ProtocolError) -> Change:
    ended = time.time()
    return lambda current: replace(current, state="failed", error=error, ended=ended)


def _our_fault() -> ProtocolError:
    return ProtocolError(
        ErrorCode.INTERNAL,
        "Internal error in the training.",
        "Start it again: it goes on from the last state it kept. The server's log has the details.",
    )
