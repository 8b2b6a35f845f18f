"""A server with a song and a Chromium for each file of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.bridge_server.peers import ServerThread, band_song
from tests.panel.browser import CHROMIUM, Panel, browser_context
from tests.panel.servers import panel_settings


# For one file at a time: while playwright runs it holds an event loop, and tests of other files start their own.
@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    if CHROMIUM is None:
        pytest.skip("SKIPPED: Chromium is not installed (Debian and Ubuntu: apt install chromium)")
    with (
        sync_playwright() as running,
        browser_context(running, tmp_path_factory.mktemp("profile")) as context,
    ):
        yield context


@pytest.fixture(scope="module")
def panel_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """The server most tests of a file share: `band.wav` (8 bars at 120 BPM) with a take of bar 8."""
    folder = tmp_path_factory.mktemp("panel")
    settings = panel_settings(folder, engine="sketch")
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        with server.websocket() as peer:
            peer.render("repaint", source="band.wav", bars="8", bpm=120, engine="noise", seed=1)
        yield server


@pytest.fixture
def server(panel_server: ServerThread) -> ServerThread:
    """The shared server, with the song in focus and nothing selected."""
    return in_focus(panel_server)


def in_focus(server: ServerThread) -> ServerThread:
    """Everybody looks at `band.wav`, at 120 BPM, and nothing of it is selected."""
    with server.websocket("?client=daw") as daw:
        daw.call("select", start=0, end=1)  # who spoke last may take back what was said
        daw.call("forget")
        daw.call("tempo", bpm=120)
        daw.call("meter", meter="4/4")
        daw.call("source", source="band.wav")
    return server


@pytest.fixture
def open_panel(chromium: BrowserContext, server: ServerThread) -> Iterator[Callable[..., Panel]]:
    """Opens pages: `open_panel()`, `open_panel(of=server, width=400)`. Each must end without any error."""
    panels: list[Panel] = []

    def open_one(
        of: ServerThread | None = None, at: str = "", width: int = 1400, height: int = 900, **media: str
    ) -> Panel:
        page = chromium.new_page()
        page.set_viewport_size({"width": width, "height": height})
        if media:
            page.emulate_media(**media)
        panel = Panel(page, at or f"http://127.0.0.1:{(of or server).settings.websocket_port}")
        panels.append(panel)
        return panel.open()

    yield open_one
    for panel in panels:
        panel.close()


@pytest.fixture
def songs(panel_server: ServerThread) -> Path:
    return panel_server.settings.roots[0]
