"""Several regions: marked with the mouse or the keys, rendered with one button, and each take in its place."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def test_regions_marked_with_shift_are_rendered_with_one_button(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    before = len(server.takes())
    first = panel.select(2, 2)
    page.keyboard.down("Shift")
    second = panel.select(5, 5)
    page.keyboard.up("Shift")
    expect(page.locator(".marked-region")).to_have_count(1)
    expect(page.locator("#submit")).to_contain_text("Repaint 2 regions")
    page.fill("#f-seed", "5")
    page.fill("#f-takes", "1")
    page.click("#submit")
    panel.wait("v.takes.length === x", before + 2)
    takes = sorted(server.takes()[:2], key=lambda take: take.number)
    assert [take.recipe.region for take in takes] == [1, 2]
    assert [(take.position, take.position + take.length) for take in takes] == [
        (region["start"], region["end"]) for region in (first, second)
    ]
    assert len({take.job for take in takes}) == 1
    page.click("#filter-here")
    assert {take.id for take in takes} <= set(
        page.locator(".lane[data-take]").evaluate_all("all => all.map((one) => one.dataset.take)")
    )
    page.click("#filter-all")


def test_a_region_is_marked_by_a_key_taken_back_and_unmarked(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.select(3, 3)
    page.keyboard.press("n")
    expect(page.locator("#mark-region")).to_have_attribute("aria-pressed", "true")
    panel.select(6, 6)
    expect(page.locator(".marked-region")).to_contain_text("Bar 3")
    page.locator(".marked-label button").first.click()
    expect(page.locator("#region-label")).to_contain_text("Bar 3")
    expect(page.locator(".marked-region")).to_contain_text("Bar 6")
    page.get_by_role("button", name="Unmark Bar 6").click()
    expect(page.locator(".marked-region")).to_have_count(0)
    expect(page.locator("#submit")).to_contain_text("Repaint bar 3")
