"""Frame times of the panel with a ten-minute song: `python benchmarks/panel_frames.py`. Needs Chromium, extra dev."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from bridge_server.bundled import demo_song_folder  # noqa: E402
from bridge_server.cli.demo import SONG  # noqa: E402
from tests.bridge_server.conftest import settings_in  # noqa: E402
from tests.bridge_server.peers import ServerThread  # noqa: E402
from tests.panel.browser import browser_context  # noqa: E402

SECONDS = 600
FRAMES = 240

# Moves the view once a frame; gives the times between frames and those of our own drawing, in milliseconds.
MOVE = """async ([view, step, count]) => {
    const arranger = panel.arranger;
    arranger.zoomToAll();
    if (view) arranger.show(view);
    await new Promise((done) => setTimeout(done, 1500));
    arranger.frames.length = 0;
    const frames = [];
    let last = null;
    for (let number = 0; number < count; number += 1) {
        const now = await new Promise(requestAnimationFrame);
        if (last !== null) frames.push(now - last);
        last = now;
        if (step) arranger.pan(step);
        else arranger.zoom(number < count / 2 ? 1.06 : 1 / 1.06);
    }
    return [frames, arranger.frames];
}"""

WAYS = (
    ("scrolling, 600 samples a pixel", {"first": 0, "scale": 600}, 12),
    ("scrolling, 40 samples a pixel", {"first": 10_000_000, "scale": 40}, 12),
    ("zooming in and out", None, 0),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        settings = settings_in(folder)
        short, rate = soundfile.read(demo_song_folder() / SONG, dtype="float32")
        long = np.resize(short, (SECONDS * rate, short.shape[1]))
        soundfile.write(settings.roots[0] / "long.wav", long, rate, subtype="PCM_24")
        with ServerThread(settings) as server, server.websocket() as daw:
            for number in range(2):
                bars = f"{100 + 4 * number}-{103 + 4 * number}"
                daw.render("repaint", source="long.wav", bars=bars, bpm=104, takes=4)
            with browser_context(playwright, folder / "profile") as context:
                page = context.new_page()
                page.set_viewport_size({"width": 1600, "height": 950})
                page.goto(f"http://127.0.0.1:{server.settings.websocket_port}/")
                page.wait_for_function(
                    "() => panel.store.get('takes').length === 8 && panel.store.get('view')"
                )
                page.wait_for_timeout(1500)
                for title, view, step in WAYS:
                    frames, drawing = page.evaluate(MOVE, [view, step, FRAMES])
                    print(f"{title:32} frame {spread(frames)}   drawing {spread(drawing)}")


def spread(values: list[float]) -> str:
    """Median and 95th percentile in milliseconds."""
    middle, high = np.percentile(values, [50, 95])
    return f"{middle:5.1f} ms median, {high:5.1f} ms at 95 %"


if __name__ == "__main__":
    main()
