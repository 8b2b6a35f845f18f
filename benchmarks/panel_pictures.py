"""The pictures of the panel and of a take in docs/pictures: `python benchmarks/panel_pictures.py`.

Look at them after each change.

Needs Chromium, the extra dev, and for the playhead what tests/bridge_server/audition/sound_card.py needs.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from bridge_server.bundled import demo_song_folder  # noqa: E402
from bridge_server.cli.demo import MAP, SONG  # noqa: E402
from bridge_server.songs.tempo_file import read_midi_map  # noqa: E402
from tests.bridge_server.audition import sound_card  # noqa: E402
from tests.bridge_server.peers import bridge_command, websocket  # noqa: E402
from tests.panel.browser import browser_context  # noqa: E402

PICTURES = PROJECT / "docs" / "pictures"
COLORS = 200


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        env = {**os.environ, "PYTHONPATH": str(PROJECT)}
        if not sound_card.missing():
            env["ALSA_CONFIG_PATH"] = str(sound_card.configure(folder, 48000))
        command = [*bridge_command(folder / "takes"), "serve", "--port", "0", "--osc-port", "0"]
        server = subprocess.Popen(
            [*command, "--root", str(demo_song_folder())], stdout=subprocess.PIPE, env=env, cwd=PROJECT
        )
        assert server.stdout is not None
        for line in server.stdout:
            if b"Ctrl-C" in line:
                break
        port = json.loads((folder / "takes" / "server.json").read_text())["websocket_port"]
        try:
            with browser_context(playwright, folder / "profile") as context:
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{port}/")
                walk(page, port)
            take_of_the_demo(port)
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()


def walk(page: Page, port: int) -> None:
    """What a newcomer does, with a picture of each step."""
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_selector(".song-list button")
    song_map = read_midi_map(demo_song_folder() / MAP)
    with websocket(port) as daw:
        daw.call("tempo", tempo_map=song_map.tempo_map.to_json())
        daw.call("key", key=str(song_map.keys[0][1]))
        daw.call("source", source=SONG)
        daw.call("select", start="6|1|0", end="10|1|0")
    page.set_viewport_size({"width": 1440, "height": 860})
    wait(page, "v.focus?.selection && v.view && panel.sounds.peaks(v.focus.song.digest)")
    page.fill("#f-prompt", "sparser, with brushes")
    page.fill("#f-seed", "7")
    page.click("#submit")
    wait(page, "[...v.jobs.values()].some(job => job.progress?.fraction > 0.15)")
    take_picture(page, "panel_render")
    wait(page, "v.takes.length === 2 && [...v.jobs.values()].every(job => job.state === 'done')")
    page.click("#take summary >> text=Receipt")
    if not sound_card.missing():
        page.keyboard.press("h")
        page.select_option("#device", label="card, ALSA")
        page.wait_for_timeout(300)
        page.set_viewport_size({"width": 1000, "height": 720})
        take_picture(page, "panel_hearing")
        page.set_viewport_size({"width": 1440, "height": 860})
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("z")
    page.keyboard.press(" ")
    if not sound_card.missing():
        wait(page, "v.audition.state === 'playing' && v.audition.position > v.focus.selection.start + 1e5")
    take_picture(page, "panel_takes")
    page.keyboard.press(" ")
    wait(page, "v.audition.state !== 'playing'")
    page.click("#take summary >> text=Receipt")
    page.wait_for_timeout(300)  # or the next take is shown before the page knows of it
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait(page, "v.takes[1].chosen")
    page.keyboard.press("0")
    page.keyboard.press("d")
    page.set_viewport_size({"width": 1440, "height": 930})
    # The path of a temporary folder means nothing to readers.
    page.evaluate("document.querySelector('#take .path').hidden = true")
    page.wait_for_timeout(300)
    take_picture(page, "panel_accepted")
    page.keyboard.press("d")
    page.set_viewport_size({"width": 400, "height": 860})
    page.keyboard.press("z")
    page.wait_for_timeout(500)
    take_picture(page, "panel_narrow")
    page.set_viewport_size({"width": 1440, "height": 860})
    page.keyboard.press("0")
    page.keyboard.press("n")
    for _ in range(4):  # past what is marked
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
    page.evaluate("document.querySelector('#take .path').hidden = true")
    take_picture(page, "panel_regions")
    page.goto(f"http://127.0.0.1:{port}/?language=ko")
    wait(page, "v.focus?.song && v.view && v.takes.length === 2 && panel.sounds.peaks(v.focus.song.digest)")
    with websocket(port) as daw:
        daw.call("select", start="6|1|0", end="10|1|0")
    wait(page, "v.focus.selection.end === v.takes[0].position + v.takes[0].length")
    page.keyboard.press("z")
    page.evaluate("panel.store.set({ selected: panel.store.values.takes[1].take })")
    page.wait_for_timeout(500)
    page.evaluate("document.querySelector('#take .path').hidden = true")
    take_picture(page, "panel_takes_ko")


def take_of_the_demo(port: int) -> None:
    """The picture of the first take that `takebridge demo` renders."""
    tempo_map = read_midi_map(demo_song_folder() / MAP).tempo_map.to_json()
    with websocket(port) as client:
        replies = client.render("repaint", source=SONG, tempo_map=tempo_map, bars="6-9", seed=7, takes=1)
        (take,) = (reply["take"] for reply in replies if reply.name == "take")
        save(client.fetch(take, "picture"), "repaint")


def wait(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {{ const v = panel.store.values; return {condition}; }}", timeout=120_000)


def take_picture(page: Page, name: str) -> None:
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    save(page.screenshot(), name)


def save(png: bytes, name: str) -> None:
    """In few colours: the documents are read over slow lines too."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    picture: Any = image.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    path = PICTURES / f"{name}.png"
    picture.save(path, optimize=True)
    print(f"{path} {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
