"""Draws an Open Stage Control session as it is laid out in its file: frames, labels, colours, faders at their start.

    python examples/osc/draw_surface.py docs/pictures/surface.png

It shows where things are, not how Open Stage Control paints them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

SESSION = Path(__file__).parent / "open_stage_control.json"
SCALE = 2
WHITE, DIM = "#f2f4f8", "#c3c9d4"


def draw(session: dict[str, Any]) -> Image.Image:
    """The picture, twice as large as the surface."""
    root = session["content"]
    image = Image.new("RGB", (root["width"] * SCALE, root["height"] * SCALE), root["colorBg"])
    pen = ImageDraw.Draw(image)
    for widget in root["widgets"]:
        if "left" in widget:
            _widget(pen, widget)
    return image


def _widget(pen: ImageDraw.ImageDraw, widget: dict[str, Any]) -> None:
    left, top = widget["left"] * SCALE, widget["top"] * SCALE
    right, bottom = left + widget["width"] * SCALE, top + widget["height"] * SCALE
    colour = widget.get("colorWidget", DIM)
    if widget["type"] == "text":
        large = widget["id"] == "title"
        _text(
            pen,
            widget["default"],
            (left, top, right, bottom),
            22 if large else 15,
            WHITE,
            widget.get("align"),
        )
        return
    if widget["type"] == "fader":
        share = (widget["default"] - widget["range"]["min"]) / (
            widget["range"]["max"] - widget["range"]["min"]
        )
        pen.rounded_rectangle((left, top, right, bottom), 8, fill="#2a303b", outline=colour, width=2)
        if share > 0:
            pen.rounded_rectangle((left, top, left + round((right - left) * share), bottom), 8, fill=colour)
        if widget["interaction"]:
            shown = f"{widget['default']:g}"
            _text(pen, shown, (left, top, right - 16, bottom), 15, WHITE, "right")
        return
    pen.rounded_rectangle((left, top, right, bottom), 12, fill="#2a303b", outline=colour, width=4)
    _text(pen, widget["label"], (left, top, right, bottom), 16, WHITE, "center")


def _text(
    pen: ImageDraw.ImageDraw,
    text: str,
    box: tuple[int, int, int, int],
    size: int,
    colour: str,
    align: str | None,
) -> None:
    left, top, right, bottom = box
    where = {"left": (left, "lm"), "right": (right, "rm")}.get(align or "", ((left + right) // 2, "mm"))
    font = ImageFont.load_default(size * SCALE)
    pen.text((where[0], (top + bottom) // 2), text, fill=colour, font=font, anchor=where[1])


def main() -> None:
    session = json.loads(SESSION.read_text(encoding="utf-8"))
    draw(session).save(sys.argv[1], optimize=True)


if __name__ == "__main__":
    main()
