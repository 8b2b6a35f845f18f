"""Checks of what people with other eyes, ears and hands need: contrast, names, sizes. As WCAG 2.2 counts them.

`nothing_found` asks axe-core, the rules most auditors use; the others are our own and stricter where they say so.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

# Every rule that axe-core has switched on, its best practices among them, and two that it leaves off: the size of
# targets (WCAG 2.5.8), and names that hold what is written on a control (2.5.3), so that it can be called by voice.
RUN_AXE = """async (GIVEN) => {
    const rules = { "target-size": { enabled: true }, "label-content-name-mismatch": { enabled: true } };
    const found = await axe.run(document, { resultTypes: ["violations"], rules, ...GIVEN });
    return found.violations.flatMap(({ id, help, nodes }) =>
        nodes.map((node) => `${id} (${help}): ${node.html.slice(0, 160)} ${node.failureSummary}`));
}"""

# Text against what lies under it, after every half-transparent layer. WCAG 1.4.3: 4.5, large text 3.
LOW_CONTRASTS = """() => {
    const parse = (text) => {
        const found = text.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
        const scaled = text.startsWith("color(srgb") ? found.map((value, at) => (at < 3 ? value * 255 : value)) : found;
        return [...scaled, 1].slice(0, 4);
    };
    const mix = (top, below, share) => top * share + below * (1 - share);
    const over = (top, below) => [...[0, 1, 2].map((at) => mix(top[at], below[at], top[3])), 1];
    const ground = (element) => {
        const layers = [];
        for (let one = element; one; one = one.parentElement) {
            layers.push(parse(getComputedStyle(one).backgroundColor));
            if (layers.at(-1)[3] === 1) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const light = (color) => {
        const [r, g, b] = color.slice(0, 3).map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const dialog = document.querySelector("dialog[open]");
    const texts = document.createTreeWalker(dialog ?? document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode.textContent.trim();
        const element = texts.currentNode.parentElement;
        if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.closest(".visually-hidden")) continue;
        // WCAG leaves out what cannot be used just now.
        if (element.closest("button:disabled, [aria-disabled=true], :disabled, script, noscript, option")) continue;
        const style = getComputedStyle(element);
        const below = ground(element);
        const ink = over(parse(style.color), below);
        const [high, low] = [light(ink), light(below)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) found.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return found;
}"""

# Controls without a name a screen reader could say, ids used twice, labels that lead nowhere. WCAG 4.1.2.
NAMELESS = """() => {
    const found = [];
    const controls = "button, a[href], input, select, textarea, [role=slider], summary, progress, canvas, dialog[open]";
    const text = (nodes) => [...nodes].map((node) => node?.textContent ?? "").join("");
    for (const one of document.querySelectorAll(controls)) {
        if (!one.checkVisibility() || one.closest("[aria-hidden=true]")) continue;
        const by = (one.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
        const named = one.getAttribute("aria-label") || text(by) || text(one.labels ?? []);
        const name = named || one.textContent || one.title;
        if (!name.trim()) found.push(one.outerHTML.slice(0, 160));
    }
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    found.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `id ${id} twice`));
    for (const label of document.querySelectorAll("label[for]")) {
        if (!document.getElementById(label.htmlFor)) found.push(`label for ${label.htmlFor}`);
    }
    if (!document.documentElement.lang) found.push("the page tells no language");
    return found;
}"""

# Targets a finger cannot hit. WCAG 2.5.8: 24 by 24 pixels; inputs inside a label count as the label.
TOO_SMALL = """() => [...document.querySelectorAll("button, a[href], select, summary, input")]
    .filter((one) => one.checkVisibility() && !one.closest("#region"))
    .map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
    .map(([one, box]) => `${Math.round(box.width)} x ${Math.round(box.height)} ${one.outerHTML.slice(0, 100)}`)"""


def low_contrasts(page: Page) -> Any:
    """Visible texts with too little contrast, with their ratio."""
    return page.evaluate(LOW_CONTRASTS)


def nameless(page: Page) -> Any:
    """Controls without a name, and names that lead nowhere."""
    return page.evaluate(NAMELESS)


def too_small(page: Page) -> Any:
    """Controls smaller than a finger can hit."""
    return page.evaluate(TOO_SMALL)


def axe_file() -> Path | None:
    """axe.min.js, as the package axe-playwright-python carries it; None where that is not installed."""
    found = find_spec("axe_playwright_python")
    folders = (found.submodule_search_locations if found else None) or []
    return next((path for folder in folders if (path := Path(folder) / "axe.min.js").is_file()), None)


@cache
def _axe() -> str:
    path = axe_file()
    assert path is not None, "tests that ask axe-core are skipped without it"
    return path.read_text(encoding="utf-8")


def nothing_found(page: Page, *rules: str) -> None:
    """Fails with everything axe-core finds on the page as it is now; by these rules alone, if any are named.

    It runs over the debugger's protocol, which the page's Content-Security-Policy does not concern, and in a world of
    its own: it sees the document, and none of the page's variables.
    """
    session = page.context.new_cdp_session(page)
    given = json.dumps({"runOnly": list(rules)} if rules else {})
    try:
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        place = {"contextId": world["executionContextId"], "awaitPromise": True, "returnByValue": True}
        for program in (f"{_axe()}; true", f"({RUN_AXE})({given})"):
            answer = session.send("Runtime.evaluate", {"expression": program, **place})
            assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    finally:
        session.detach()
    found = answer["result"]["value"]
    assert found == [], "\n\n".join(found)
