"""The watchdog barks at what keeps the loop, and at nothing else, however busy the machine is."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time

import pytest

from tests.bridge_server.loop_watchdog import MAX_SECONDS, watched_loop

LONG = MAX_SECONDS + 0.15


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def computes() -> None:
    await asyncio.sleep(0)
    compute(LONG)


async def blocks() -> None:
    await asyncio.sleep(0)
    time.sleep(2 * LONG)


async def calls_back() -> None:
    asyncio.get_running_loop().call_soon(compute, LONG)
    await asyncio.sleep(0.01)


async def syncs() -> None:
    with tempfile.TemporaryFile() as file:
        os.fsync(file.fileno())


async def syncs_elsewhere() -> None:
    await asyncio.to_thread(asyncio.run, syncs())


def watched(work) -> None:
    async def run() -> None:
        with watched_loop():
            await asyncio.create_task(work(), name="the culprit")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (computes, r"The task the culprit \(computes\) computed for 0\.\d+ s; seen in:(.|\n)*in compute"),
        pytest.param(
            blocks,
            r"The task the culprit \(blocks\) slept for 0\.\d+ s; seen in:(.|\n)*time\.sleep",
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="SKIPPED: only Linux tells of a thread's state"
            ),
        ),
        (calls_back, r"The callback compute computed for"),
        (syncs, r"The task the culprit \(syncs\) synced a file in:(.|\n)*os\.fsync"),
    ],
)
def test_a_stall_is_named(work, words):
    with pytest.raises(AssertionError, match=words):
        watched(work)


async def waits() -> None:
    await asyncio.sleep(LONG)
    await asyncio.to_thread(time.sleep, LONG)
    await asyncio.to_thread(compute, LONG)


async def takes_turns() -> None:
    for _ in range(6):
        compute(MAX_SECONDS / 4)
        await asyncio.sleep(0)


async def among_busy_threads() -> None:
    """Every step takes long by the clock: three others want the interpreter as well."""
    done = threading.Event()
    others = [threading.Thread(target=lambda: [None for _ in iter(done.is_set, True)]) for _ in range(3)]
    for other in others:
        other.start()
    try:
        began = time.monotonic()
        while time.monotonic() - began < 3 * LONG:
            compute(MAX_SECONDS / 4)
            await asyncio.sleep(0)
    finally:
        done.set()
        for other in others:
            other.join()


@pytest.mark.parametrize("work", [waits, takes_turns, among_busy_threads, syncs_elsewhere])
def test_what_keeps_nobody_is_no_stall(work):
    watched(work)


def test_what_ran_before_it_was_started_does_not_count():
    async def run() -> None:
        compute(LONG)
        with watched_loop():
            await asyncio.sleep(0)

    asyncio.run(run())


def test_a_thread_that_starts_late_is_the_machine_s_doing(monkeypatch):
    async def starts() -> None:
        await asyncio.sleep(0)
        started = threading.Event()
        monkeypatch.setattr(threading.Event, "set", lambda event: (time.sleep(2 * LONG), started_set(event)))
        threading.Thread(target=started.wait, args=(0.01,)).start()

    started_set = threading.Event.set
    watched(starts)
