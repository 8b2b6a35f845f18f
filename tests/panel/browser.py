"""A real Chromium for the panel's tests: pages that report every error, and the few gestures tests are made of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, expect

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 45_000  # milliseconds: what only a broken panel takes, on a machine that does much else
STARTING = 180_000  # milliseconds for Chromium to come up: beside seven others it took 30 seconds
LARGE = {"width": 1400, "height": 900}

# A page tells of everything its Content-Security-Policy forbids; the console alone would do for most of it.
WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""


@contextmanager
def browser_context(playwright: Playwright, profile: Path, *flags: str) -> Iterator[BrowserContext]:
    """Chromium with a profile of its own."""
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, headless=True, args=(*FLAGS, *flags), viewport=LARGE,
        reduced_motion="reduce", accept_downloads=True, timeout=STARTING,
    )  # fmt: skip
    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH_POLICY)
    expect.set_options(timeout=PATIENCE)
    try:
        yield context
    finally:
        context.close()


class Panel:
    """One page with the panel. `trouble` collects what a console would show; `close` fails when there is any."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.trouble: list[str] = []
        self.away = (
            False  # while the server is away the browser's own words about it are no error of the page
        )
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.trouble.append(f"{error}\n{error.stack}"))

    def _heard(self, message: Any) -> None:
        # A passage is asked for by what it sounded like. When that has just changed the server says so (409), and the
        # page asks again; the browser puts every such answer on the console.
        asks_again = "/passages/" in message.location["url"] and "409" in message.text
        if message.type in ("error", "warning") and not self.away and not asks_again:
            self.trouble.append(f"{message.type}: {message.text} {message.location['url']}")

    def open(self) -> Panel:
        self.page.goto(f"{self.address}/")
        return self

    def close(self) -> None:
        violations = self.page.evaluate("window.violations ?? []")
        self.page.close()
        assert violations == []
        assert self.trouble == [], self.trouble

    # What is on the page

    def value(self, name: str) -> Any:
        """A value of the page's store."""
        plain = "found instanceof Map ? [...found.values()] : found"
        return self.page.evaluate(f"name => {{ const found = panel.store.get(name); return {plain}; }}", name)

    def wait(self, condition: str, argument: Any = None) -> None:
        """Waits until a JavaScript expression is true; `v` holds the store's values, `x` the argument.

        In another language than English the page has loaded before its words have, and there is no panel yet.
        """
        self.page.wait_for_function(
            f"x => {{ const v = globalThis.panel?.store.values; return v && ({condition}); }}", arg=argument
        )

    def ready(self) -> Panel:
        """The song and its takes are there, its waveform is drawn; engines and the place where takes play are known."""
        self.wait(
            "v.connection === 'open' && v.engines && v.audition && v.focus?.song && v.view"
            " && panel.sounds.peaks(v.focus.song.digest) && v.takesOf === v.focus.song.digest"
        )
        return self

    def bar(self, number: int) -> int:
        """First sample of a bar."""
        return int(
            self.page.evaluate(
                "n => panel.store.get('grid').bars[panel.store.get('grid').numbers.indexOf(n)]", number
            )
        )

    def selection(self) -> dict[str, int]:
        """The region as the server has it."""
        self.wait("v.dragged === null")
        found: dict[str, int] = self.value("focus")["selection"]
        return found

    # What is done with it

    def x(self, sample: float) -> float:
        """Where a sample lies on the page, in pixels."""
        left: float = self.page.evaluate(
            "document.getElementById('original-time').getBoundingClientRect().left"
        )
        view = self.value("view")
        return left + (sample - view["first"]) / view["scale"]

    def y(self, share: float = 0.7) -> float:
        """A height inside the original's lane."""
        box = self.page.locator("#original-time").bounding_box()
        assert box is not None
        return box["y"] + box["height"] * share

    def drag(self, a: tuple[float, float], b: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*a)
        mouse.down()
        mouse.move((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, steps=3)
        mouse.move(*b, steps=3)
        mouse.up()

    def select(self, first_bar: int, last_bar: int) -> dict[str, int]:
        """Drags over bars, a little inside them at both ends: the region snaps."""
        start, end = self.bar(first_bar), self.bar(last_bar + 1)
        some = (end - start) * 0.04
        y = self.y()
        self.drag((self.x(start + some), y), (self.x(end - some), y))
        self.wait(
            "v.dragged === null && v.focus.selection?.start === x[0] && v.focus.selection?.end === x[1]",
            [start, end],
        )
        return self.selection()

    def choose_engine(self, name: str) -> None:
        """Renders with another engine from now on."""
        self.page.evaluate("document.getElementById('more-fold').open = true")
        self.page.select_option("#f-engine", name)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
