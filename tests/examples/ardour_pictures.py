"""Takes the pictures of docs/pictures from a real Ardour: `python -m tests.examples.ardour_pictures docs/pictures`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.bridge_server.peers import ServerProcess
from tests.examples.ardour_rig import Ardour
from tests.examples.ardour_studio import METERS, demo

RATE = 48000
TEMPOS = "0:104,36:112"
EDITOR = (0, 124, 1348)  # left, top and right of what is worth showing of the window
BAR = 4 * 60 / 104  # seconds


def main(target: Path) -> None:
    """Writes ardour_before.png, ardour_progress.png, ardour_after.png and ardour_stems.png."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = ServerProcess(folder / "store", folder)
        ardour = Ardour(folder / "ardour", RATE, {"TAKEBRIDGE_STORE": str(server.store)})
        ardour.files.create(("Song",), TEMPOS, METERS)
        server.start()
        try:
            ardour.start()
            ardour.place(demo(folder, "demo_song", RATE), "Song", 0)
            take_pictures(ardour, target)
        finally:
            ardour.close()
            server.stop()


def take_pictures(ardour: Ardour, target: Path) -> None:
    notes = ardour.session / "takebridge.json"
    notes.write_text(json.dumps({"settings": {"takes": 3, "stems": "drums,bass"}}))
    ardour.select_track("Song")
    ardour.trigger("Editor/track-height-larger")
    select(ardour, 0, 12)
    ardour.trigger("Editor/zoom-to-selection-horiz")
    select(ardour, 4, 8)
    shoot(ardour, target / "ardour_before.png", 560)
    ardour.run("repaint")
    ardour.wait_for(
        lambda: any(" %" in name and not name.startswith("0 %") for name in ardour.markers()), "progress"
    )
    shoot(ardour, target / "ardour_progress.png", 560)
    ardour.wait_for(lambda: "placed" in ardour.shown(), "takes")
    ardour.lua("Editor:get_selection ():clear_all ()")
    shoot(ardour, target / "ardour_after.png", 560)
    ardour.select_track("Song")
    ardour.trigger("Editor/track-height-normal")
    select(ardour, 4, 8)
    ardour.run("extract")
    ardour.wait_for(lambda: ardour.shown().count("placed") == 2, "stems")
    ardour.lua("Editor:get_selection ():clear_all ()")
    shoot(ardour, target / "ardour_stems.png", 600)


def select(ardour: Ardour, first: int, last: int) -> None:
    """Bars, counted from 0, without the loop that the rig selects by."""
    ardour.select("Song", round(first * BAR * RATE), round(last * BAR * RATE))
    ardour.lua("local places = Session:locations () places:remove (places:auto_loop_location ())")


def shoot(ardour: Ardour, file: Path, bottom: int) -> None:
    """What Ardour shows, cropped, in few colours."""
    ardour.lua("ARDOUR.LuaAPI.usleep (300000)")  # once answered, what was asked for before is drawn
    ardour.lua("say ()")
    ardour.picture(file)
    with Image.open(file) as screen:
        left, top, right = EDITOR
        picture = screen.convert("RGB").crop((left, top, right, bottom)).quantize(128)
    picture.save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
