"""How long files have been as they are, whatever becomes of the system's clock and whatever dates they bring along."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable


class FileAges:
    """Of the files in one folder.

    The system's clock is believed once, at the first look; from then on only a steady one counts. So a clock that is
    set makes nothing old, and what a killed server left is not new for ever.

    dated: whether a file's own date counts at the first look; a file that was copied here brings its original's.
    steady: seconds of a clock that nobody can set.
    """

    def __init__(self, steady: Callable[[], float], dated: bool) -> None:
        self._steady = steady
        self._dated = dated
        self._looked = False
        self._since: dict[
            str, tuple[int, float]
        ] = {}  # name -> date in nanoseconds, and when its age was zero

    def look(self, entries: Iterable[os.DirEntry[str]], now: float) -> dict[str, float]:
        """The age of each by its name, in seconds; without those that have gone. now: seconds since 1970."""
        steady, since = self._steady(), {}
        for entry in entries:
            with contextlib.suppress(OSError):
                date = entry.stat(follow_symlinks=False).st_mtime_ns
                known = self._since.get(entry.name)
                if known is None or known[0] != date:
                    before = self._dated and not self._looked
                    known = date, steady - (max(0.0, now - date / 1e9) if before else 0.0)
                since[entry.name] = known
        self._since, self._looked = since, True
        return {name: steady - began for name, (_, began) in since.items()}
