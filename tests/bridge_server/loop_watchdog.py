"""Fails a test whose server kept its event loop from everybody else for more than 200 ms in one go.

The machine may have much else to do, so wall time proves nothing. Two things do: processor time that the loop's own
thread used in one step, and time in which that thread slept within a step although it could have run. The second is
looked at from another thread, every SAMPLE_SECONDS: a thread that waits for a processor is runnable, and one that waits
for the interpreter's lock gets it before this one has looked ten times. What a step does in other threads is free.

A file that a step syncs counts however quick the disk was: another one takes a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from bridge_server.jobs.database import transaction

MAX_SECONDS = 0.2
SAMPLE_SECONDS = 0.02
ASLEEP = ("S", "D")
BY_A_TEST = "LoopThread.on_loop.<locals>.call"  # what a test does in the thread of a loop is its own affair

_run = asyncio.Handle._run  # the one place through which every step of every loop goes
_fsync = os.fsync


_below = [_fsync]
"""What the watched fsync calls: the system's, or a test's own, such as one of a full disk."""
_syncing = threading.local()
"""`now` in a thread that is in the watched fsync, to which a test's own may lead back."""


@dataclass
class _Step:
    """A step of the loop that has begun. where: what it did when it was looked at last."""

    handle: asyncio.Handle
    cpu: float
    collected: float
    asleep: float = 0.0
    where: list[str] = field(default_factory=list)


class LoopWatchdog:
    """Watches the event loop of the thread it is started in. stalls: a sentence for each."""

    def __init__(self) -> None:
        self.stalls: list[str] = []
        self._thread = threading.get_ident()
        self._status = Path(f"/proc/self/task/{threading.get_native_id()}/stat")
        self._step: _Step | None = None
        self._collected = 0.0  # seconds of processor time that the garbage collector took in this thread
        self._collecting = 0.0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="loop watchdog", daemon=True)

    def start(self) -> None:
        """Steps that begin from now on count."""
        _WATCHED[self._thread] = self
        asyncio.Handle._run = _watched_run  # type: ignore[method-assign]
        if os.fsync is not _watched_fsync:
            _below[0] = os.fsync
            os.fsync = _watched_fsync
        gc.callbacks.append(self._collect)
        self._sampler.start()

    def stop(self) -> None:
        _WATCHED.pop(self._thread, None)
        if not _WATCHED:
            asyncio.Handle._run = _run  # type: ignore[method-assign]
            if os.fsync is _watched_fsync:
                os.fsync = _below[0]
        gc.callbacks.remove(self._collect)
        self._ended.set()
        self._sampler.join()

    def check(self) -> None:
        """Raises AssertionError with every stall."""
        assert not self.stalls, "the event loop stood still:\n" + "\n".join(self.stalls)

    def run(self, handle: asyncio.Handle) -> None:
        """One step."""
        name = _name(handle)  # before it runs: a task that has ended tells less
        if f"({BY_A_TEST})" in name:
            _run(handle)
            return
        step = self._step = _Step(handle, time.thread_time(), self._collected)
        try:
            _run(handle)
        finally:
            self._step = None
            # A test's process has a heap that no server has: what its collection takes is not the step's doing.
            used = time.thread_time() - step.cpu - (self._collected - step.collected)
            if used > MAX_SECONDS or step.asleep > MAX_SECONDS:
                did = f"computed for {used:.2f} s" if used > MAX_SECONDS else f"slept for {step.asleep:.2f} s"
                self.stalls.append(
                    f"{name} {did}; seen in:\n{''.join(step.where) or '  (not looked at in time)'}"
                )

    def synced(self) -> None:
        """The thread of the loop is about to sync a file."""
        if self._step is not None:
            where = "".join(traceback.format_stack(sys._getframe(2))[-6:])
            self.stalls.append(f"{_name(self._step.handle)} synced a file in:\n{where}")

    def _collect(self, phase: str, _: dict[str, int]) -> None:
        if threading.get_ident() == self._thread:
            now = time.thread_time()
            if phase == "start":
                self._collecting = now
            else:
                self._collected += now - self._collecting

    def _sample(self) -> None:
        was_asleep: _Step | None = None
        seen, since = None, 0.0
        while not self._ended.wait(SAMPLE_SECONDS):
            step = self._step
            if step is not seen:
                seen, since, was_asleep = step, time.monotonic(), None
                continue
            if step is None or time.monotonic() - since < 2 * SAMPLE_SECONDS:
                continue
            frame = sys._current_frames().get(self._thread)
            step.where = traceback.format_stack(frame)[-8:] if frame is not None else []
            asleep = self._is_asleep() and not _waits_for_the_machine(frame)
            if asleep and was_asleep is step:
                step.asleep += SAMPLE_SECONDS
            was_asleep = step if asleep else None

    def _is_asleep(self) -> bool:
        try:
            return self._status.read_text().rpartition(")")[2].split()[0] in ASLEEP
        except (OSError, IndexError):  # only Linux tells
            return False


def _waits_for_the_machine(frame: FrameType | None) -> bool:
    """Whether a thread is started, which runs when the machine lets it, or a commit is synced: what is acknowledged is
    on the disk before, and other tests keep the disk busy. However quick the step would be."""
    for _ in range(5):  # the wait of a condition, of an event, of Thread.start
        if frame is None:
            return False
        if frame.f_code in (threading.Thread.start.__code__, transaction.__wrapped__.__code__):  # type: ignore[attr-defined]
            return True
        frame = frame.f_back
    return False


_WATCHED: dict[int, LoopWatchdog] = {}


def _watched_run(handle: asyncio.Handle) -> None:
    watchdog = _WATCHED.get(threading.get_ident())
    if watchdog is None:
        _run(handle)
    else:
        watchdog.run(handle)


def _watched_fsync(file: Any) -> None:
    if (watchdog := _WATCHED.get(threading.get_ident())) is not None:
        watchdog.synced()
    if getattr(_syncing, "now", False):
        _fsync(file)
        return
    _syncing.now = True
    try:
        _below[0](file)
    finally:
        _syncing.now = False


def _name(handle: asyncio.Handle) -> str:
    callback: Any = handle._callback
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"The task {task.get_name()} ({getattr(task.get_coro(), '__qualname__', task.get_coro())})"
    return f"The callback {getattr(callback, '__qualname__', callback)}"


@contextlib.contextmanager
def watched_loop() -> Iterator[LoopWatchdog]:
    """Watches this thread's loop while the block lasts, and raises AssertionError at its end."""
    watchdog = LoopWatchdog()
    watchdog.start()
    try:
        yield watchdog
    finally:
        watchdog.stop()
    watchdog.check()
