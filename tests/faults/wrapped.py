"""`bridge_server` as a program whose clock can be set, with a thread that does not end, or timed: for tests only.

    python -m tests.faults.wrapped SPEC COMMAND...

SPEC is JSON: {"clock": FILE} adds the seconds in that file to the time of day; {"stuck": SECONDS} makes `store.verify`
take that long; {"account": FILE} keeps in that file what the steps of its event loop and its commits took, in ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def set_clock(file: Path) -> None:
    """time.time and time.time_ns of this process, as many seconds off as the file says now."""
    real, real_ns = time.time, time.time_ns
    handle = os.open(file, os.O_RDONLY)  # kept: the process may have to do without further files

    def off() -> int:
        return int(os.pread(handle, 32, 0) or b"0")

    time.time = lambda: real() + off()
    time.time_ns = lambda: real_ns() + off() * 10**9


def take_long(seconds: float) -> None:
    """Lets a thread of the server read for so long: nothing can interrupt it."""
    from bridge_server.handlers import status

    def problems_in(*_: Any) -> list[str]:
        time.sleep(seconds)
        return []

    status.problems_in = problems_in


LONG_STEP = 0.5  # milliseconds: shorter ones are only counted
ACCOUNT_SECONDS = 0.5  # between two writings of the account


class Account:
    """What the loop's steps took of the processor, and commits by the clock and of the processor."""

    def __init__(self) -> None:
        self.all_steps = 0
        self.steps: list[float] = []
        self.commits: list[float] = []
        self.commit_cpu: list[float] = []

    def keep(self, file: Path) -> None:
        """Writes it again and again; the process ends without a word."""
        while True:
            part = file.with_suffix(".part")
            part.write_text(json.dumps({name: list(value) if isinstance(value, list) else value
                                        for name, value in vars(self).items()}))  # fmt: skip
            os.replace(part, file)
            time.sleep(ACCOUNT_SECONDS)


def keep_account(file: Path) -> None:
    account, run = Account(), asyncio.Handle._run

    def timed_run(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        account.all_steps += 1
        if (took := 1000 * (time.thread_time() - began)) >= LONG_STEP:
            account.steps.append(took)

    class Timed(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement != "COMMIT":
                return super().execute(statement, *values)
            began, cpu = time.perf_counter(), time.thread_time()
            try:
                return super().execute(statement, *values)
            finally:
                account.commits.append(1000 * (time.perf_counter() - began))
                account.commit_cpu.append(1000 * (time.thread_time() - cpu))

    connect = sqlite3.connect
    sqlite3.connect = lambda *given, **named: connect(*given, **{"factory": Timed, **named})
    asyncio.Handle._run = timed_run  # type: ignore[method-assign]
    threading.Thread(target=account.keep, args=(file,), daemon=True).start()


FAULTS: dict[str, Callable[[Any], None]] = {
    "clock": lambda file: set_clock(Path(file)),
    "stuck": take_long,
    "account": lambda file: keep_account(Path(file)),
}


def main() -> None:
    spec = json.loads(sys.argv[1])
    for name, value in spec.items():
        FAULTS[name](value)
    sys.argv = ["bridge_server", *sys.argv[2:]]
    runpy.run_module("bridge_server", run_name="__main__")


if __name__ == "__main__":
    main()
