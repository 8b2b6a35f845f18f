"""A walk through the page by Tab, from the first control to the last and back, as who has no mouse goes through it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

MOST = 400  # controls
TRIES = 3

NOTE = Path(__file__).with_name("tabbing.js").read_text(encoding="utf-8")


def walked(page: Page) -> list[dict[str, Any]]:
    """The controls in the order Tab reaches them. Fails for one that is left out, cannot be seen when it has the focus,
    shows no focus, or comes before one that stands above it; and when Shift Tab goes another way back."""
    for _ in range(
        TRIES
    ):  # what leaves the page by itself meanwhile, such as a notice, is no fault of the order
        count = page.evaluate(NOTE)
        assert 0 < count < MOST
        for _ in range(count):
            page.keyboard.press("Tab")
        for _ in range(count - 1):
            page.keyboard.press("Shift+Tab")
        walk = page.evaluate("endTabbing()")
        if not walk["changed"]:
            break
    found: list[dict[str, Any]] = walk["noted"]
    assert len(found) == 2 * count - 1, (count, [one["name"] for one in found])
    forwards, back = found[:count], found[count - 1 :]
    for there, again in zip(forwards, reversed(back), strict=True):
        assert there["number"] == again["number"], (
            f"{there['name']} on the way there, {again['name']} on the way back"
        )
    wrong = [f"{one['name']} {problem(one)}" for one in found if problem(one)]
    wrong += [
        f"{after['name']} comes after {one['name']}"
        for one, after in pairwise(forwards)
        if not follows(one, after)
    ]
    assert not wrong, "\n".join(wrong)
    return forwards


def problem(one: dict[str, Any]) -> str:
    if not one["inside"]:
        return "has the focus out of sight"
    if one["covered"]:
        return f"has the focus under {one['covered']}"
    return "" if one["shows"] else "does not show its focus"


def follows(one: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a control comes after another on the screen: in a later layer, below it, or to the right of it."""
    if one["layer"] != after["layer"]:
        return bool(one["layer"] < after["layer"])
    together = one["scroller"] == after["scroller"]  # it may have been scrolled on between the two
    moved = after["scrolled"] - one["scrolled"] if together else 0
    if after["top"] + moved >= one["bottom"] - 2:
        return True
    return bool(after["bottom"] + moved > one["top"] + 2 and after["left"] >= one["left"] - 2)
