"""Drives the strict double of REAPER (reaper_double/): a Lua process that runs the ReaScripts as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFont

from tests.places import EXAMPLES

SCRIPTS = EXAMPLES / "reaper"
DOUBLE = Path(__file__).with_name("reaper_double") / "run.lua"
PATIENCE = 60.0
FRAME_SECONDS = 0.02  # REAPER calls deferred functions about thirty times a second

needs_lua = pytest.mark.skipif(
    shutil.which("lua5.4") is None, reason="SKIPPED: lua5.4 is not installed (Debian: apt install lua5.4)"
)

KEYS = {
    "enter": 13,
    "escape": 27,
    "backspace": 8,
    "left": 1818584692,
    "right": 1919379572,
    "home": 1752132965,
}


class Reaper:
    """A running double. Every method sends one command and raises AssertionError when a script fails."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pace = 1.0  # seconds of the double per second of ours

    def _do(self, what: str, **values: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        command = {"what": what, "now": time.monotonic() * self.pace, **values}
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the double has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def open(
        self,
        project: dict[str, Any],
        store: Path | None = None,
        imgui: bool = False,
        resources: Path = SCRIPTS,
    ) -> None:
        """Loads a project. store: what the scripts' setting says of the server's; imgui: with ReaImGui installed."""
        self._do("load", project=project, widths=letter_widths(), resources=str(resources), imgui=imgui)
        if store is not None:
            self._do("ext", section="takebridge", key="store", value=str(store))

    def last_used(self, **values: object) -> None:
        """What the window was left with the last time: task, prompt, takes."""
        for name, value in values.items():
            self._do("ext", section="takebridge", key=name, value=str(value))

    def action(self, name: str) -> None:
        """Runs an action as the user does."""
        self._do("script", path=str(SCRIPTS / f"takebridge_{name}.lua"))

    def state(self) -> dict[str, Any]:
        return dict(self._do("state"))

    def tick(self) -> None:
        self._do("tick")

    def until(self, reached: Callable[[dict[str, Any]], object], seconds: float = PATIENCE) -> dict[str, Any]:
        """Lets REAPER run until the state is so."""
        deadline = time.monotonic() + seconds
        while True:
            self.tick()
            state = self.state()
            if reached(state):
                return state
            assert time.monotonic() < deadline, texts(state)
            time.sleep(FRAME_SECONDS)

    def until_text(self, *words: str) -> dict[str, Any]:
        """Lets REAPER run until the window shows one of these."""
        return self.until(lambda state: any(word in "\n".join(texts(state)) for word in words))

    def click(self, label: str) -> None:
        """Clicks the text in the window, once it has been drawn; the last one of that name."""
        state = self.until(lambda state: label in texts(state))
        found = [entry for entry in state["drawn"] if entry.get("text") == label][-1]
        self._do("click", x=found["x"] + 2, y=found["y"] + 2)
        self.tick()
        self.tick()

    def type(self, text: str) -> None:
        for letter in text:
            # As REAPER: the second value is the letter; the first is of use for plain ones only.
            self._do("key", code=ord(letter) if ord(letter) < 127 else 63, letter=ord(letter))
        self.tick()

    def press(self, key: str) -> None:
        self._do("key", code=KEYS[key], letter=0)
        self.tick()

    def close_window(self) -> None:
        self._do("close")
        self.tick()

    def inputs(self, text: str) -> None:
        self._do("inputs", text=text)

    def undo(self) -> None:
        self._do("undo")

    def delete_track(self, number: int) -> None:
        """Deletes a track, counted from 1, as the user may at any time."""
        self._do("delete_track", number=number)

    def select(self, guid: str) -> None:
        self._do("select", guid=guid)

    def call(self, name: str, *arguments: Any) -> Any:
        """Calls the double as a script would."""
        return self._do("call", name=name, arguments=list(arguments))


@contextmanager
def running_reaper() -> Iterator[Reaper]:
    process = subprocess.Popen(
        ["lua5.4", str(DOUBLE), str(SCRIPTS / "lib" / "json.lua")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        yield Reaper(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def texts(state: dict[str, Any]) -> list[str]:
    """What the window says, line by line."""
    return [entry["text"] for entry in state["drawn"] if entry["what"] == "text"]


def letter_widths() -> dict[str, float]:
    """Widths of letters as parts of the size, of the font the picture is drawn with."""
    font = ImageFont.load_default(100)
    letters = [chr(code) for code in (*range(32, 127), *range(160, 256), 0x2013, 0x2014, 0x2019)]
    return {letter: font.getlength(letter) / 100 for letter in letters}
