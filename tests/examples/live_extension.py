"""Live with the extension in it, for tests: the double in node, and what a producer does there."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from examples.live_extension import build
from tests.bridge_server.peers import PATIENCE

NODE = shutil.which("node") or shutil.which("nodejs")
DOUBLE = Path(__file__).with_name("live_extension_double.js")
ARRANGEMENT = "AudioTrack.ArrangementSelection"


class WrongUse(AssertionError):
    """The extension did what Live would not take, or broke."""


def built(folder: Path, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """The extension's one file, built. changes: in a module, the text to replace and what by, for mutations."""
    sources = build.sources_in(build.HERE / "src")
    for name, (original, changed) in (changes or {}).items():
        assert sources[name].count(original) == 1, (name, original)
        sources[name] = sources[name].replace(original, changed)
    target = folder / "extension.js"
    target.write_text(build.bundle(sources, "0"), encoding="utf-8")
    return target


class Live:
    """The double as a process. Events are what it writes; what it calls an error fails the test."""

    def __init__(self, bundle: Path, folder: Path, port: int) -> None:
        self.folder = folder
        self._port = port
        self._first_settings()
        self.process = subprocess.Popen(
            [str(NODE), str(DOUBLE), str(bundle), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        self._read_windows = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.until("listening")

    def _first_settings(self) -> None:
        path = self.folder / "storage" / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        first = {"address": f"127.0.0.1:{self._port}", "summary": False, "context": 2}
        path.write_text(json.dumps(first), encoding="utf-8")

    def start_again(self) -> None:
        """As if Live had just been started: nothing open, nothing kept, nothing seen."""
        self.command("close windows")
        self.until("windows closed")
        self._first_settings()
        self.seen.clear()
        self._read_windows = 0

    @property
    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "storage" / "settings.json").read_text())
        return found

    def keep(self, **changes: Any) -> None:
        """Settings as an earlier session left them."""
        text = json.dumps({**self.settings, **changes})
        (self.folder / "storage" / "settings.json").write_text(text, encoding="utf-8")

    def set(self, *tracks: dict[str, Any], **values: Any) -> None:
        """Opens a set. values: rules, scale, scenes and groups, as the double has them."""
        self.command("set", {"tracks": tracks, **values})

    def pick(self, task: str, start: float, end: float, *lanes: str, scope: str = ARRANGEMENT) -> None:
        """Right-click on a selection, and a choice in the menu."""
        choice = {"title": f"Takebridge: {task}...", "scope": scope, "start": start, "end": end}
        self.command("pick", {**choice, "lanes": lanes or ["Band"]})

    def fill(self, press: str = "ok", **values: Any) -> None:
        """What the producer will do in the next window."""
        self.command("answer", {"press": press, "values": values})

    def render(self, task: str, start: float, end: float, *lanes: str, **values: Any) -> dict[str, Any]:
        """A task from the right-click until its progress window closes; the set afterwards."""
        self.fill(**values)
        self.pick(task, start, end, *lanes)
        self.until("progress closed")
        self._read_windows = len(self._windows())
        return self.state()

    def state(self) -> dict[str, Any]:
        self.command("state")
        found: dict[str, Any] = self.until("state")
        return found

    def window(self) -> dict[str, Any]:
        """The next window, whatever else comes before it: its title, its text and its fields."""
        if len(self._windows()) == self._read_windows:
            self.until("window")
        self._read_windows += 1
        return self._windows()[self._read_windows - 1]

    def _windows(self) -> list[dict[str, Any]]:
        return [found["value"] for found in self.seen if found["event"] == "window"]

    def command(self, name: str, values: Any = None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": name, "values": values}) + "\n")
        self.process.stdin.flush()

    def until(self, event: str, words: str = "", patience: float = PATIENCE) -> Any:
        """The next event of this kind that holds these words. Raises WrongUse for an error of the extension's."""
        deadline = time.monotonic() + patience
        while True:
            try:
                found = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{event} {words!r} never came; seen: {self.seen[-12:]}") from None
            self.seen.append(found)
            if found["event"] == "error":
                raise WrongUse(found["value"])
            if found["event"] == event and words in str(found["value"]):
                return found["value"]

    def renders(self) -> list[dict[str, Any]]:
        """What Live has rendered so far."""
        return [found["value"] for found in self.seen if found["event"] == "render"]

    def calls(self, method: str) -> list[dict[str, Any]]:
        """What was asked of the server by this method so far."""
        return [
            one["value"]["params"]
            for one in self.seen
            if one["event"] == "http" and one["value"].get("call") == method
        ]

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
            self.events.put(json.loads(line))
