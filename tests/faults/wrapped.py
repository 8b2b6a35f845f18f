"""`bridge_server` as a program whose clock can be set, or with a thread that does not end: for tests only.

    python -m tests.faults.wrapped SPEC COMMAND...

SPEC is JSON: {"clock": FILE} adds the seconds in that file to the time of day; {"stuck": SECONDS} makes `store.verify`
take that long.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
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


FAULTS: dict[str, Callable[[Any], None]] = {
    "clock": lambda file: set_clock(Path(file)),
    "stuck": take_long,
}


def main() -> None:
    spec = json.loads(sys.argv[1])
    for name, value in spec.items():
        FAULTS[name](value)
    sys.argv = ["bridge_server", *sys.argv[2:]]
    runpy.run_module("bridge_server", run_name="__main__")


if __name__ == "__main__":
    main()
