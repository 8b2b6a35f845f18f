"""A double that runs in node, and talks in lines of JSON: commands go in, events come out."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.bridge_server.peers import PATIENCE

NODE = shutil.which("node") or shutil.which("nodejs")


class WrongUse(AssertionError):
    """The script did what the real program would not take, or broke."""


class NodeDouble:
    """The process. seen: all of its events so far that `until` went past."""

    def __init__(self, script: Path, *words: object) -> None:
        self.process = subprocess.Popen(
            [str(NODE), str(script), *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        self.seen: list[dict[str, Any]] = []
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.until("listening")

    def command(self, name: str, values: Any = None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": name, "values": values}) + "\n")
        self.process.stdin.flush()

    def until(self, event: str, words: str = "", patience: float = PATIENCE) -> Any:
        """The next event of this kind that holds these words. Raises WrongUse for what the double calls an error."""
        deadline = time.monotonic() + patience  # of all of them: others may go on coming
        while True:
            try:
                found = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{event} {words!r} never came; seen: {self.seen[-12:]}") from None
            self.seen.append(found)
            if found["event"] == "error":
                raise WrongUse(found["value"])
            if found["event"] == event and words in str(found["value"]):
                return found["value"]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(json.loads(line))
