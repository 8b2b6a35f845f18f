"""Every state of the panel that its tests reach, as pictures in English and in another language, to be looked at.

    python -m pytest tests/panel -n 0 -p tests.panel.states --states FOLDER [--states-language ko]

While the tests run, in English as always, each page hands over what it shows whenever a text appears that no page had
shown before. At the end those states that show every text between them are opened again, translated by the panel's own
`language.js`, and photographed. What is drawn on a canvas is missing there. After a change to translations or styles,

    python -m tests.panel.states FOLDER [ko]

photographs the same states anew, without the tests.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Playwright, Route, sync_playwright

from bridge_server.bundled import PANEL
from bridge_server.languages.installed import ENGLISH, FOLDER, installed_languages
from tests.panel import browser

PLACE = "http://panel.test"
REST = 200  # milliseconds until a page has been translated and drawn
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}
# Runs in every page before its own scripts.
WATCH = """
(() => {
  const REST = 200; // milliseconds without a change: between two steps of a test the page is in a state
  const seen = new Set();
  const plain = (text) => text.trim().replace(/\\d+/g, "0");
  const shown = () => {
    const found = [];
    for (const one of document.querySelectorAll("body *")) {
      if (!one.checkVisibility() || one.closest('[dir="auto"], [translate="no"], script, style')) continue;
      for (const node of one.childNodes) {
        if (node.nodeType === Node.TEXT_NODE && /[A-Za-z]{2}/.test(node.data)) found.push(plain(node.data));
      }
    }
    return found;
  };
  const page = () => {
    const copy = document.documentElement.cloneNode(true);
    const fields = [...document.querySelectorAll("input, textarea, select")];
    copy.querySelectorAll("input, textarea, select").forEach((field, at) => {
      const { value, checked } = fields[at];
      if (field.tagName === "TEXTAREA") field.textContent = value;
      else if (field.tagName === "SELECT") {
        for (const one of field.options) one.toggleAttribute("selected", one.value === value);
      } else if (field.type !== "file") {
        field.setAttribute("value", value);
        field.toggleAttribute("checked", Boolean(checked));
      }
    });
    for (const script of copy.querySelectorAll("script")) script.remove();
    return copy.outerHTML;
  };
  const look = () => {
    const fresh = shown().filter((text) => !seen.has(text));
    if (fresh.length === 0) return;
    fresh.forEach((text) => seen.add(text));
    keepState(JSON.stringify({ texts: shown(), html: page(), width: innerWidth }));
  };
  let resting;
  new MutationObserver(() => {
    clearTimeout(resting);
    resting = setTimeout(look, REST);
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
})();
"""

SPEAK = "async (lang) => { document.documentElement.lang = lang; await import('/panel/language.js'); }"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--states", type=Path, help="where the pictures go")
    parser.addoption("--states-language", default="ko")


class States:
    """What pages have shown."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._found: list[dict[str, Any]] = []
        self.test = ""

    def watch(self, context: BrowserContext) -> None:
        context.expose_function("keepState", self._keep)
        context.add_init_script(WATCH)

    def _keep(self, text: str) -> None:
        state = json.loads(text)
        fresh = set(state["texts"]) - self._known
        if fresh:
            self._known |= fresh
            self._found.append({**state, "test": self.test})

    def few(self) -> Iterator[dict[str, Any]]:
        """As few of them as show every text, each time the one that shows most that is new."""
        left = set(self._known)
        while left:
            best = max(self._found, key=lambda state: len(left & set(state["texts"])))
            left -= set(best["texts"])
            yield best


STATES = States()


def _watched() -> None:
    real = browser.browser_context

    @contextmanager
    def watched(playwright: Playwright, profile: Path, *flags: str) -> Iterator[BrowserContext]:
        with real(playwright, profile, *flags) as context:
            STATES.watch(context)
            yield context

    browser.browser_context = watched
    browser.PATIENCE *= 4  # a picture may take its time


_watched()  # now: once the fixtures' file has taken the function from there, it is too late


def pytest_runtest_setup(item: pytest.Item) -> None:
    STATES.test = item.nodeid


def pytest_unconfigure(config: pytest.Config) -> None:
    folder, language = config.getoption("--states"), config.getoption("--states-language")
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    states = list(STATES.few())
    (folder / "states.json").write_text(json.dumps(states), encoding="utf-8")
    photograph(folder, language)


def photograph(folder: Path, language: str) -> None:
    """Pictures of the states that the folder's `states.json` has, in English and in the language."""
    states = json.loads((folder / "states.json").read_text(encoding="utf-8"))
    with sync_playwright() as running, running.chromium.launch(executable_path=browser.CHROMIUM) as chromium:
        page = chromium.new_page()
        html = ""

        def serve(route: Route) -> None:
            path = urlsplit(route.request.url).path.removeprefix("/")
            if path == "":
                route.fulfill(body=html, content_type="text/html; charset=utf-8")
                return
            name = path.removeprefix("panel/")
            file = FOLDER / Path(name).name if name.startswith("languages/") else PANEL / name
            if file.is_file():
                route.fulfill(body=file.read_bytes(), content_type=TYPES.get(file.suffix, "text/plain"))
            else:
                route.fulfill(status=404, body="")

        page.route(f"{PLACE}/**", serve)
        for number, state in enumerate(states, 1):
            html = "<!doctype html>" + re.sub(r"<meta[^>]*Content-Security-Policy[^>]*>", "", state["html"])
            page.set_viewport_size({"width": state["width"], "height": 900})
            for tag in dict.fromkeys((ENGLISH, language)):
                page.goto(PLACE)
                page.evaluate(SPEAK, tag)
                page.wait_for_timeout(REST)
                page.screenshot(path=folder / f"{number:03}-{tag}.png", full_page=True)
    listed = (f"{number:03} {state['test']}" for number, state in enumerate(states, 1))
    (folder / "states.txt").write_text("\n".join(listed), encoding="utf-8")


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), (sys.argv[2:] or installed_languages()[1:])[0])
