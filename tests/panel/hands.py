"""Ways a panel is worked: a mouse, or the keys alone. A journey is told once and played with each."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from playwright.sync_api import Locator, expect

from tests.panel.browser import Panel

TABS = 120  # more than there are controls on the page


class Hand(Protocol):
    """What a producer does with the page."""

    def press(self, control: Locator) -> None:
        """A button, a link or the like."""

    def select(self, panel: Panel, first_bar: int, last_bar: int) -> None:
        """Bars, in the song's waveform."""

    def take(self, panel: Panel, take: str) -> None:
        """A take, in its lane."""

    def choose_file(self, control: Locator, path: Path) -> None:
        """A file of this machine, with the browser's own dialog."""


class Mouse:
    """Clicks and drags."""

    def press(self, control: Locator) -> None:
        control.click()

    def select(self, panel: Panel, first_bar: int, last_bar: int) -> None:
        panel.select(first_bar, last_bar)

    def take(self, panel: Panel, take: str) -> None:
        panel.page.locator(f".lane[data-take='{take}'] .time").click()
        panel.wait("v.selected === x", take)

    def choose_file(self, control: Locator, path: Path) -> None:
        with control.page.expect_file_chooser() as chooser:
            self.press(control)
        chooser.value.set_files(path)


class Keys(Mouse):
    """Keys alone: Tab to a control, and Enter. Arrows for the region and the takes."""

    def press(self, control: Locator) -> None:
        page = control.page
        expect(control).to_be_enabled()
        for _ in range(TABS):
            if control.evaluate("one => one === document.activeElement"):
                break
            page.keyboard.press("Tab")
        expect(control).to_be_focused()
        page.keyboard.press("Enter")

    def select(self, panel: Panel, first_bar: int, last_bar: int) -> None:
        panel.press("Escape")
        panel.page.evaluate(
            "document.activeElement.blur()"
        )  # as Escape does in a field: the arrows are the region's
        if panel.value("focus")["selection"] is None:
            panel.press("ArrowRight")
        self._bring(panel, "start", panel.bar(first_bar), "ArrowLeft", "ArrowRight")
        self._bring(panel, "end", panel.bar(last_bar + 1), "Shift+ArrowLeft", "Shift+ArrowRight")
        assert panel.selection() == {"start": panel.bar(first_bar), "end": panel.bar(last_bar + 1)}

    def _bring(self, panel: Panel, edge: str, sample: int, back: str, forward: str) -> None:
        panel.wait("v.dragged === null && v.focus.selection !== null")
        while (now := panel.selection()[edge]) != sample:
            panel.press(back if now > sample else forward)
            panel.wait("v.dragged === null && v.focus.selection[x[0]] !== x[1]", [edge, now])

    def take(self, panel: Panel, take: str) -> None:
        panel.page.evaluate("document.activeElement.blur()")
        shown = panel.page.evaluate("panel.lanes.shown.map((one) => one.take)")
        for _ in shown:
            panel.press("ArrowUp")
        for _ in range(shown.index(take)):
            panel.press("ArrowDown")
        panel.wait("v.selected === x", take)
