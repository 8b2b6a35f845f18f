"""One line in the server's window for each refused message: few for each sender, and few in all.

A message typed by hand often has no listener for replies, so the window is where its error is read. A flood of them
must not bury everything else.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from bridge_server.log_words import Private, public_words

log = logging.getLogger(__name__)

PER_SENDER = 5  # lines a second
IN_ALL = 20  # lines a second
MAX_LINE = 400  # characters


class RefusalLog:
    """Counts the lines of each second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = -1
        self._lines: Counter[str] = Counter()  # of this second, by sender; as many senders as lines at most
        self._withheld = 0

    def write(self, sender: str, problem: object) -> None:
        """One line, unless this sender or all of them had theirs in this second."""
        now = int(self._clock())
        if now != self._second:
            self._second = now
            self._lines.clear()
            if self._withheld:
                log.warning("OSC: %d more messages were refused", self._withheld)
                self._withheld = 0
        if self._lines.total() >= IN_ALL or self._lines[sender] >= PER_SENDER:
            self._withheld += 1
            return
        self._lines[sender] += 1
        log.warning("OSC from %s: %s", sender, Private(str(problem)[:MAX_LINE], public_words(problem)))
