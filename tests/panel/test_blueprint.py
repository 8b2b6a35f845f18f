"""A song's blueprint in the panel: planned, seen as text and as a picture, edited, and rendered."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import low_contrasts, nameless

pytestmark = pytest.mark.slow


def planned(open_panel):
    """The panel with a blueprint in it."""
    panel = open_panel(height=1500).ready()
    panel.choose_engine("noise")
    panel.page.click("[data-task=generate]")
    panel.page.fill("#f-prompt", "slow bossa nova")
    panel.page.fill("#f-length", "40s")
    panel.page.click("#plan-song")
    expect(panel.page.locator("#b-caption")).to_have_value("slow bossa nova")
    return panel


def test_a_plan_is_seen_edited_and_rendered(open_panel, server):
    panel = planned(open_panel)
    page = panel.page
    sections = page.locator(".blueprint-sections li")
    expect(sections).to_have_count(2)
    expect(sections.nth(1)).to_contain_text("chorus")
    expect(sections.nth(1)).to_contain_text("11-20")
    expect(page.locator("#b-lyrics")).to_have_value("[Verse]\nla la")
    expect(page.locator("#b-codes")).to_be_checked()
    assert low_contrasts(page) == []
    assert nameless(page) == []
    page.fill("#b-caption", "fast bossa nova")
    expect(page.locator("#b-codes")).not_to_be_checked()
    expect(page.locator("#blueprint-warning")).to_contain_text("the words alone are rendered")
    page.fill("#b-caption", "slow bossa nova")
    expect(page.locator("#b-codes")).to_be_checked()
    page.fill("#b-caption", "fast bossa nova")
    page.click("#render-blueprint")
    panel.wait("[...v.jobs.values()].some((job) => job.command === 'generate' && job.state === 'done')")
    with server.websocket() as peer:
        job = next(one for one in peer.call("jobs.list")["jobs"] if one["command"] == "generate")
        request = peer.call("jobs.show", job=job["job"])["request"]
    assert request["prompt"] == "fast bossa nova"
    assert "codes" not in request["blueprint"]


def test_a_blueprint_that_contradicts_the_daw_is_refused_and_stays(open_panel):
    page = planned(open_panel).page
    page.fill("#b-tempo", "97")
    page.click("#render-blueprint")
    expect(page.locator("#notices")).to_contain_text("planned at 97 BPM")
    expect(page.locator("#b-tempo")).to_have_value("97")
    page.reload()
    page.click("[data-task=generate]")
    expect(page.locator("#b-tempo")).to_have_value("120")
