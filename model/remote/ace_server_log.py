"""Follows the log of an ace-server: the only place where it says how far it is and why something failed.

Everybody's jobs write into that log, one job at a time. Lines count as a job's own only while it is the oldest.
"""

from __future__ import annotations

import re
import threading
from collections import deque

from model.remote.http_link import HttpLink

MOST_LINES = 4096
_CREATED = re.compile(r"Job ([0-9a-f]{16}) created")
_DONE = re.compile(r"Job ([0-9a-f]{16}) done")
_STEP = re.compile(r"\[DiT\] Step (\d{1,4})/(\d{1,4})\b", re.IGNORECASE)
_DECODING = re.compile(r"\[VAE(-Dec\w*)?\].*decode", re.IGNORECASE)
_TROUBLE = re.compile(r"\b(error|fatal|failed|not found|missing|out of memory)\b", re.IGNORECASE)


class AceServerLog:
    """The lines since the link was opened, with those the server had kept. Read by a thread; asked by another."""

    def __init__(self, link: HttpLink) -> None:
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._count = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._read, args=(link,), daemon=True).start()

    def _read(self, link: HttpLink) -> None:
        for line in link.lines("/logs"):
            with self._lock:
                self._lines.append(line)
                self._count += 1

    def now(self) -> int:
        """A mark for `step` and `trouble`."""
        return self._count

    def begun(self, job: str) -> int:
        """The mark where a job was created; 0 where the log does not say."""
        with self._lock:
            lines, first = list(self._lines), self._count - len(self._lines)
        marked = (first + number for number, line in enumerate(lines, 1) if f"Job {job} created" in line)
        return next(marked, 0)

    def before(self, job: str) -> tuple[str, ...]:
        """The jobs that were there before this one and are not done as far as the log says, oldest first."""
        found: dict[str, None] = {}
        for line in self._since(0):
            if created := _CREATED.search(line):
                if created[1] == job:
                    return tuple(found)
                found[created[1]] = None
            elif done := _DONE.search(line):
                found.pop(done[1], None)
        return ()

    def step(self, mark: int) -> tuple[int, int] | None:
        """The newest step since the mark, and how many there are; (n, n) once it decodes; None before the first."""
        found = None
        for line in self._since(mark):
            if step := _STEP.search(line):
                found = int(step[1]), max(1, int(step[2]))
            elif found and _DECODING.search(line):
                found = found[1], found[1]
        return found

    def trouble(self, mark: int) -> str:
        """The last line since the mark that names an error; "" without one."""
        return next((line for line in reversed(self._since(mark)) if _TROUBLE.search(line)), "")

    def _since(self, mark: int) -> list[str]:
        with self._lock:
            lines = list(self._lines)
            skipped = max(0, mark - (self._count - len(lines)))
        return lines[skipped:]
