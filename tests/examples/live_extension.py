"""Live with the extension in it, for tests: the double in node, and what a producer does there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge_server.live_extension_file import bundle as bundled
from bridge_server.live_extension_file import sources_in
from tests.examples.node_double import NodeDouble
from tests.places import EXAMPLES

DOUBLE = Path(__file__).with_name("live_extension_double.js")
ARRANGEMENT = "AudioTrack.ArrangementSelection"


def built(folder: Path, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """The extension's one file, built. changes: in a module, the text to replace and what by, for mutations."""
    sources = sources_in(EXAMPLES / "live_extension" / "src")
    for name, (original, changed) in (changes or {}).items():
        assert sources[name].count(original) == 1, (name, original)
        sources[name] = sources[name].replace(original, changed)
    target = folder / "extension.js"
    target.write_text(bundled(sources, "0"), encoding="utf-8")
    return target


class Live(NodeDouble):
    """The double, and the producer in front of it."""

    def __init__(self, bundle: Path, folder: Path, port: int) -> None:
        self.folder = folder
        self._port = port
        self._first_settings()
        self._read_windows = 0
        super().__init__(DOUBLE, bundle, folder)

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
