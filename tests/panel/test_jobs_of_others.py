"""Whose a job is: failures of others are a line, Escape asks, and a long render tells when it has ended."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import low_contrasts, nameless

pytestmark = pytest.mark.slow

REQUEST = {"source": "band.wav", "bars": "2-3", "bpm": 120}
# What the page would show outside itself, and the clock of its title: 21 seconds pass at once.
WATCH = """
window.shown = [];
window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (Notification.permission = "granted"); }
    constructor(title, options) { shown.push([title, options.tag]); }
    close() {}
};
window.jump = seconds => { const now = Date.now; Date.now = () => now() + seconds * 1000; };
"""


def test_a_failure_of_another_client_is_a_line_and_a_failure_of_this_tab_is_a_card_also_after_a_reload(
    open_panel, server
):
    panel = open_panel().ready()
    page = panel.page
    with server.websocket("?client=Looper") as looper:
        assert looper.render("repaint", **REQUEST, engine="unloadable")[-1].name == "failed"
    line = page.locator("#job-list .job.line")
    expect(line.locator(".name")).to_have_text("Repaint bars 2–3 failed")
    expect(line.locator(".owner")).to_have_text("Looper")
    expect(page.locator("#job-list .job.failed, .notice")).to_have_count(0)
    expect(page.locator("#live")).not_to_contain_text("failed")
    expect(line.locator(".sentence")).to_be_hidden()
    line.locator("summary").click()
    expect(line.locator(".sentence")).to_contain_text("The weights are not there.")
    assert (low_contrasts(page), nameless(page)) == ([], [])
    panel.select(2, 2)
    panel.choose_engine("unloadable")
    panel.press("r")
    expect(page.locator("#job-list .job.failed")).to_have_count(1)
    other = open_panel().ready()
    expect(other.page.locator("#job-list .job.line")).to_have_count(2)
    expect(other.page.locator("#job-list")).to_contain_text("another panel")
    expect(other.page.locator("#job-list .job.failed")).to_have_count(0)
    page.reload()
    panel.ready()
    expect(page.locator("#job-list .job.failed")).to_have_count(1)
    expect(line).to_have_count(1)
    line.get_by_role("button", name="Dismiss").click()
    expect(line).to_have_count(0)


def test_escape_asks_before_it_cancels_anothers_render_and_the_keys_answer(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    dialog = page.locator("#cancel-dialog")
    page.focus("#zoom-in")
    with server.websocket("?client=Looper") as looper:
        job = looper.call("repaint", **REQUEST, engine="slow", options={"seconds": 600})["job"]
        expect(page.locator("#job-list .job:not(.line) .owner")).to_have_text("Looper")
        panel.press("Escape")
        expect(dialog).to_contain_text("Cancel Repaint bars 2–3?")
        expect(page.get_by_role("button", name="Keep rendering")).to_be_focused()
        assert low_contrasts(page) == []
        panel.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.locator("#zoom-in")).to_be_focused()
        assert panel.page.evaluate("id => panel.store.get('jobs').get(id).state", job) in (
            "queued",
            "running",
        )
        panel.press("Escape", "Shift+Tab", "Enter")
        assert looper.until_end(job)[-1].name == "cancelled"
    expect(dialog).to_be_hidden()


def test_escape_asks_before_it_cancels_ones_own_render_of_some_seconds(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    page.evaluate(WATCH)
    slow = "{ bars: '2', engine: 'slow', options: { seconds: 600 } }"
    page.evaluate(f"panel.bridge.request('repaint', {slow})")
    panel.wait("[...v.jobs.values()].some(job => job.state === 'running')")
    page.evaluate("jump(6)")
    panel.press("Escape")
    expect(page.locator("#cancel-dialog")).to_contain_text("It has been rendering for")
    panel.press("Enter")
    panel.wait("[...v.jobs.values()].every(job => job.state !== 'running')")
    expect(page.locator("#cancel-dialog")).to_be_hidden()


def test_a_long_render_tells_by_title_and_where_it_may_by_notification(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    page.evaluate(WATCH)
    page.evaluate("Object.defineProperty(document, 'hasFocus', { value: () => false })")
    panel.select(2, 2)
    panel.choose_engine("noise")
    page.click("#help-button")
    switch = page.locator("#help-dialog .notify input")
    expect(switch).not_to_be_checked()
    switch.check()
    panel.press("Escape")

    def render() -> None:
        before = len(panel.value("takes"))
        panel.press("r")
        panel.wait("v.takes.length > x && v.lastEnded?.state === 'done'", before)

    render()
    expect(page).to_have_title("band · Takebridge")  # a short one that is seen to end needs no news
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    render()
    expect(page).to_have_title("✓ 2 takes – Takebridge")
    title, tag = page.evaluate("shown")[0]
    assert (title, len(page.evaluate("shown"))) == ("✓ 2 takes – Takebridge", 1)
    assert tag.startswith("takebridge j")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("band · Takebridge")
    page.evaluate("localStorage.clear()")
