"""The three ways a panel is worked: a mouse, the keys alone, a finger. A journey is told once and played with each."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Locator, TimeoutError, expect

from tests.panel.browser import Panel

TAPS = 3  # a finger tries that often before it gives up
NO_CLICK = 5_000  # milliseconds after which the browser has clearly swallowed a tap
TABS = 120  # more than there are controls on the page
REST = (
    400  # milliseconds between a drag and the next tap: a browser takes a sooner one for the end of the drag
)

CLICKED = """() => {
    const clicked = { once: false };
    addEventListener("click", () => { clicked.once = true; }, { capture: true, once: true });
    return clicked;
}"""


class Hand(Protocol):
    """What a producer does with the page."""

    def press(self, control: Locator) -> None:
        """A button, a link or the like."""

    def select(self, panel: Panel, first_bar: int, last_bar: int) -> None:
        """Bars, in the song's waveform."""

    def mark(self, panel: Panel) -> None:
        """Keeps the selected region, so that the next one is rendered with it."""

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

    def mark(self, panel: Panel) -> None:
        button = panel.page.get_by_role("button", name="Keep the region marked")
        self.press(button)
        expect(button).to_have_attribute("aria-pressed", "true")

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

    def mark(self, panel: Panel) -> None:
        panel.press("n")
        expect(panel.page.locator("#mark-region")).to_have_attribute("aria-pressed", "true")

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


class Finger(Mouse):
    """Taps and drags on a touch screen."""

    def press(self, control: Locator) -> None:
        """Taps. A tap the browser swallows without a click (it may, after a drag) is repeated, as a finger would."""
        for _ in range(TAPS):
            self._show(control)
            control.click(trial=True)  # waits until it stands still, can be pressed, and nothing lies over it
            box = control.bounding_box()
            assert box is not None
            clicked = control.page.evaluate_handle(CLICKED)
            self._touch(control, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
            with suppress(TimeoutError):
                control.page.wait_for_function("clicked => clicked.once", arg=clicked, timeout=NO_CLICK)
                return
        raise AssertionError(f"{TAPS} taps on {control} made no click")

    def select(self, panel: Panel, first_bar: int, last_bar: int) -> None:
        start, end = panel.bar(first_bar), panel.bar(last_bar + 1)
        time = panel.page.locator("#original-time")
        self._show(time)
        some = (end - start) * 0.1
        y = panel.y()
        left, right = panel.x(start + some), panel.x(end - some)
        self._touch(time, *((left + (right - left) * step / 5, y) for step in range(6)))
        panel.wait(
            "v.dragged === null && v.focus.selection?.start === x[0] && v.focus.selection.end === x[1]",
            [start, end],
        )
        panel.page.wait_for_timeout(REST)

    def take(self, panel: Panel, take: str) -> None:
        self.press(panel.page.locator(f".lane[data-take='{take}'] .lane-select"))
        panel.wait("v.selected === x", take)

    def _show(self, control: Locator) -> None:
        """Scrolls as one does, so that nothing at the edges of the screen lies over it."""
        control.evaluate("one => one.scrollIntoView({ block: 'center' })")

    def _touch(self, on: Locator, *places: tuple[float, float]) -> None:
        session = on.page.context.new_cdp_session(on.page)
        first, *others = places
        for kind, points in (
            ("touchStart", [first]),
            *(("touchMove", [place]) for place in others),
            ("touchEnd", []),
        ):
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        session.detach()
