"""The server's memory while two panels look at a song with takes, in a real Chromium. Linux only.

python -m benchmarks.panel_memory
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.figures import Aim, Figure, table
from tests.bridge_server.peers import OscPeer, ServerProcess, band_song
from tests.panel.browser import CHROMIUM, Panel, browser_context

PANELS, TAKES, BARS = 2, 8, 120
AIM_MEGABYTES = 300


def main() -> None:
    print(table(figures()))


def figures() -> list[Figure]:
    """Nothing where there is no Chromium, or no /proc."""
    if CHROMIUM is None or not Path("/proc/self/status").exists():
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        band_song(folder / "song.wav", BARS)
        server = ServerProcess(folder / "store", folder).start()
        try:
            megabytes = _looked_at(server, folder)
        finally:
            server.stop()
    return [
        Figure(
            "Memory",
            f"the server, {PANELS} panels and {TAKES} takes of 4 minutes",
            megabytes,
            "MB",
            aim=Aim(AIM_MEGABYTES),
        )
    ]


def _looked_at(server: ServerProcess, folder: Path) -> float:
    assert server.process is not None
    peer = OscPeer(server.osc_port)
    peer.ask("/bridge/source", "song.wav")
    peer.ask("/bridge/tempo", 120.0)
    last = peer.render("/bridge/repaint", "takes", "source", "song.wav", "bars", "9-12", "takes", TAKES)[-1]
    assert last.name == "done", last
    with (
        sync_playwright() as running,
        browser_context(running, folder / "profile") as context,
    ):
        address = f"http://127.0.0.1:{server.address['websocket_port']}"
        panels = [Panel(context.new_page(), address).open().ready() for _ in range(PANELS)]
        panels[0].wait("v.takes.length === x", TAKES)
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    peer.close()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main()
