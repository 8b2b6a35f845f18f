"""Names, stars, hiding, order and deleting of takes, with keys and mouse, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import low_contrasts, nameless, too_small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def takes(panel_server):
    """Three takes of bars 3 and 4, of different prompts."""
    with panel_server.websocket() as peer:
        for seed, prompt in enumerate(("warm", "warm and sparse", "warm, louder"), 1):
            peer.render(
                "repaint", source="band.wav", bars="3-4", bpm=120, engine="noise", seed=seed, prompt=prompt
            )
        found = peer.call("takes.list", limit=3)["takes"]
    return [entry["take"] for entry in reversed(found)]


def on_server(server, take):
    with server.websocket() as peer:
        return peer.call("takes.show", take=take)


def focused(page):
    return page.evaluate("document.activeElement.closest('.lane')?.dataset.take ?? document.activeElement.id")


def test_takes_are_told_apart_named_starred_hidden_and_deleted(open_panel, server, takes):
    first, second, third = takes
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length === 4")
    page.locator(f".lane[data-take={second}] .time").click()
    expect(page.locator("#take .apart")).to_contain_text("“and sparse” · seed 2")

    panel.press("4")  # stars by a key; every page follows
    panel.wait("v.takes.find((take) => take.take === x).stars === 4", second)
    assert on_server(server, second)["stars"] == 4
    expect(page.locator("#take-marks .stars [aria-pressed=true]")).to_have_attribute("aria-label", "4 stars")
    expect(page.locator(f".lane[data-take={second}] .given-stars")).to_have_text("★★★★")

    panel.press("F2")
    page.keyboard.type("Größer 4")  # letters and digits are no keys here
    panel.press("Enter")
    expect(page.locator("#take-title")).to_have_text("Größer 4")
    expect(page.locator("#take .take-what")).to_contain_text("Repaint bars 3–4")
    assert focused(page) == "rename"
    assert on_server(server, second)["name"] == "Größer 4"
    panel.press("F2")
    page.keyboard.type("not this")
    panel.press("Escape")
    expect(page.locator("#take-title")).to_have_text("Größer 4")
    assert focused(page) == "rename"

    page.select_option("#take-order", "stars")
    assert page.locator(".lane").first.get_attribute("data-take") == second
    assert (low_contrasts(page), nameless(page), too_small(page)) == ([], [], [])

    page.locator("#hide-take").focus()
    panel.press("Enter")
    panel.wait("v.takes.find((take) => take.take === x).hidden && v.selected !== x", second)
    expect(page.locator(f".lane[data-take={second}]")).to_have_count(0)
    page.wait_for_function("document.activeElement.closest('.lane')")
    assert focused(page) == panel.value("selected")
    expect(page.locator("#show-hidden")).to_have_text("Show hidden (1)")
    page.click("#show-hidden")
    page.locator(f".lane[data-take={second}] .time").click()
    expect(page.locator("#hide-take")).to_have_text("Show")
    page.click("#hide-take")
    expect(page.locator("#show-hidden")).to_be_hidden()

    page.locator(f".lane[data-take={third}] .time").click()
    panel.press("Delete")
    assert page.evaluate("document.activeElement.textContent") == "Delete for good"
    panel.press("Escape")  # keeps it, and cancels nothing
    assert page.evaluate("document.activeElement.textContent") == "Delete…"
    panel.press("Delete", "Enter")
    panel.wait("v.takes.length === 3 && v.selected !== null")
    page.wait_for_function("document.activeElement.closest('.lane')")
    assert focused(page) == panel.value("selected")
    with server.websocket() as peer:
        peer.call("takes.mark", take=first, name="from a script")
    expect(page.locator(f".lane[data-take={first}] .lane-title")).to_contain_text("from a script")

    page.reload()
    panel.ready()
    assert page.input_value("#take-order") == "stars"
    assert page.locator(".lane").first.get_attribute("data-take") == second
