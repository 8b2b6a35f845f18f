"""Draws the ReaScripts' window as the double of REAPER draws it: in the middle of a job, and after it.

    python -m tests.examples.reaper_picture docs/pictures/reaper_window.png

A real server renders a real take meanwhile. The letters are Pillow's; REAPER draws Arial.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.bridge_server.peers import ServerThread, band_song
from tests.bridge_server.servers import settings_in
from tests.examples.reaper import Reaper, running_reaper, texts

SCALE = 2
WIDTH, HEIGHT = 480, 430
TITLE = 26
GAP = 24


def frame(state: dict[str, Any]) -> Image.Image:
    """One window, with a plain title bar."""
    image = Image.new("RGB", (WIDTH * SCALE, (HEIGHT + TITLE) * SCALE), "#d8dadd")
    draw = ImageDraw.Draw(image, "RGBA")
    draw.text(
        (WIDTH * SCALE / 2, TITLE * SCALE / 2), "Takebridge", "#333", ImageFont.load_default(13 * SCALE), "mm"
    )
    for entry in state["drawn"]:
        colour = tuple(round(255 * part) for part in entry["colour"])
        x, y = entry["x"] * SCALE, (entry["y"] + TITLE) * SCALE
        if entry["what"] == "text":
            bold = SCALE / 4 if entry["bold"] else 0
            font = ImageFont.load_default(entry["size"] * SCALE)
            draw.text((x, y), entry["text"], colour, font, stroke_width=bold, stroke_fill=colour)
        elif entry["what"] == "line":
            draw.line((x, y, entry["x2"] * SCALE, (entry["y2"] + TITLE) * SCALE), colour, SCALE)
        elif entry["filled"]:
            draw.rectangle((x, y, x + entry["w"] * SCALE - 1, y + entry["h"] * SCALE - 1), colour)
        else:
            box = (x, y, x + entry["w"] * SCALE - 1, y + entry["h"] * SCALE - 1)
            draw.rectangle(box, outline=colour, width=SCALE)
    return image


def pictures(reaper: Reaper, folder: Path) -> list[Image.Image]:
    """The window while it waits and when the takes are there."""
    settings = settings_in(folder, engine="sketch")
    song = band_song(settings.roots[0] / "Chorus.wav", bars=16)
    media = folder / "Media"
    media.mkdir()
    item = {"file": str(song), "D_POSITION": 0, "D_LENGTH": 32, "D_FADEINLEN": 0, "D_FADEOUTLEN": 0}
    track = {"name": "Rhythm guitar", "razor": '8.0 16.0 ""', "items": [item]}
    project = {"path": str(folder / "song.rpp"), "media": str(media), "tracks": [track]}
    with ServerThread(settings):
        reaper.open(project, settings.store)
        reaper.last_used(takes=3, prompt="tighter, with palm mutes")
        reaper.action("window")
        reaper.click("such as F# minor")
        reaper.type("E minor")
        reaper.click("Repaint")
        working = reaper.until(lambda state: percent(state) >= 30)
        done = reaper.until(lambda state: "Done" in texts(state) and "Cancel" not in texts(state))
    return [frame(working), frame(done)]


def percent(state: dict[str, Any]) -> int:
    """What stands beside the progress bar."""
    return max((int(text.strip(" %")) for text in texts(state) if text.endswith(" %")), default=0)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_reaper() as reaper:
        left, right = pictures(reaper, Path(folder))
    whole = Image.new("RGB", (left.width * 2 + GAP * SCALE, left.height), "#ffffff")
    whole.paste(left, (0, 0))
    whole.paste(right, (left.width + GAP * SCALE, 0))
    whole.quantize(64).save(sys.argv[1], optimize=True)


if __name__ == "__main__":
    main()
