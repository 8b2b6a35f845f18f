"""The Max patch, written from one table of objects.

    python examples/osc/max_patch.py

writes bridge.maxpat next to this file. A .maxpat file is JSON with boxes and the lines between them, as Max 8 saves it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SERVER, REPLIES = "127.0.0.1 9124", 9126
HEADS = {
    "ack": "in the queue",
    "progress": "stage and fraction",
    "take": "a take has come",
    "done": "all takes are there",
    "failed": "what was wrong, and what to do",
    "cancelled": "somebody stopped it",
}

# Messages to click, from top to bottom. A value that is not here is taken from the song in focus.
MESSAGES = (
    f"/bridge/watch on 1 reply_port {REPLIES}",
    f"/bridge/source song.wav reply_port {REPLIES}",
    f"/bridge/tempo 120 reply_port {REPLIES}",
    f"/bridge/select 17|1|0 21|1|0 reply_port {REPLIES}",
    f"/bridge/repaint strength 0.5 takes 2 reply_port {REPLIES}",
    f"/bridge/complete takes 2 reply_port {REPLIES}",
    f"/bridge/accompany takes 2 reply_port {REPLIES}",
    f"/bridge/extract reply_port {REPLIES}",
    f"/bridge/audition/ab reply_port {REPLIES}",
    f"/bridge/audition/next reply_port {REPLIES}",
    f"/bridge/audition/stop reply_port {REPLIES}",
)


class Patch:
    """Boxes and lines in the order they were added."""

    def __init__(self) -> None:
        self.boxes: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []

    def box(
        self, text: str, x: int, y: int, *, kind: str = "newobj", inlets: int = 1, outlets: int = 0
    ) -> str:
        """Adds a box of Max's class `kind`; returns its name, for lines."""
        name = f"obj-{len(self.boxes) + 1}"
        self.boxes.append(
            {
                "box": {
                    "id": name,
                    "maxclass": kind,
                    "text": text,
                    "numinlets": inlets,
                    "numoutlets": outlets,
                    "outlettype": [""] * outlets,
                    "patching_rect": [float(x), float(y), 8.0 + 6.6 * len(text), 22.0],
                }
            }
        )
        return name

    def line(self, source: str, outlet: int, target: str) -> None:
        """Connects an outlet, from 0, to a box's first inlet."""
        self.lines.append({"patchline": {"source": [source, outlet], "destination": [target, 0]}})

    def content(self) -> dict[str, Any]:
        """The file's JSON."""
        return {
            "patcher": {
                "fileversion": 1,
                "appversion": {"major": 8, "minor": 0, "revision": 0, "architecture": "x64", "modernui": 1},
                "classnamespace": "box",
                "rect": [60.0, 80.0, 1040.0, 620.0],
                "boxes": self.boxes,
                "lines": self.lines,
            }
        }


def patch() -> Patch:
    """Messages on the left, what the server says on the right."""
    made = Patch()
    made.box(
        "Takebridge. Start the server (takebridge serve), then click from top to bottom.",
        20,
        15,
        kind="comment",
    )
    sender = made.box(f"udpsend {SERVER}", 20, 570)
    start = made.box("loadbang", 420, 50, outlets=1)
    for number, words in enumerate(MESSAGES):
        message = made.box(words, 20, 50 + 36 * number, kind="message", inlets=2, outlets=1)
        made.line(message, 0, sender)
        if number == 0:
            made.line(start, 0, message)
    receiver = made.box(f"udpreceive {REPLIES}", 520, 50, outlets=1)
    names = " ".join(f"/bridge/{name}" for name in HEADS)
    sorter = made.box(f"route {names}", 520, 90, inlets=len(HEADS) + 1, outlets=len(HEADS) + 1)
    made.line(receiver, 0, sorter)
    for number, (name, meaning) in enumerate(HEADS.items()):
        printer = made.box(f"print {name}", 520, 130 + 36 * number)
        made.line(sorter, number, printer)
        made.box(meaning, 640, 130 + 36 * number, kind="comment")
    # A reply is its request's id and pairs of name and value; a take's begins id, job, its id, take, its id.
    parts = made.box("unpack s s s s s", 520, 390, outlets=5)
    made.line(sorter, list(HEADS).index("take"), parts)
    setter = made.box("prepend set /bridge/takes/choose", 520, 430, outlets=1)
    made.line(parts, 4, setter)
    chosen = made.box("/bridge/takes/choose", 520, 470, kind="message", inlets=2, outlets=1)
    made.line(setter, 0, chosen)
    made.line(chosen, 0, sender)
    made.box("click to accept the newest take", 700, 470, kind="comment")
    return made


def text() -> str:
    """The file as it is written."""
    return json.dumps(patch().content(), indent=1) + "\n"


if __name__ == "__main__":
    (HERE / "bridge.maxpat").write_text(text(), encoding="utf-8", newline="\n")
