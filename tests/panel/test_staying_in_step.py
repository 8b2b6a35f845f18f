"""The page holds nothing of its own: reloads, several panels, a DAW beside them, a server that is started again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.bridge_server.peers import ServerThread, band_song
from tests.panel.conftest import in_focus
from tests.panel.servers import panel_settings

pytestmark = pytest.mark.slow


def test_a_reload_in_the_middle_of_a_render_loses_nothing(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    region = panel.select(5, 5)
    panel.choose_engine("slow")
    page.fill("#f-prompt", "dreamy")
    panel.press("Escape", "z", "r")
    expect(page.locator("#job-list progress")).to_have_count(1)
    view = panel.value("view")
    page.reload()
    panel.ready()
    assert panel.selection() == region
    assert panel.value("view") == pytest.approx(view)
    expect(page.locator("#job-list progress")).to_have_count(1)
    expect(page.locator("#job-list .stage")).to_contain_text("rendering")
    assert page.input_value("#f-prompt") == "dreamy"
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.locator("#job-list .job:not(.failed)")).to_have_count(0)


def test_two_panels_and_a_daw_stay_in_step(open_panel, server):
    first, second = open_panel().ready(), open_panel(width=900).ready()
    region = first.select(3, 3)
    second.wait("v.focus.selection?.start === x[0] && v.focus.selection.end === x[1]", list(region.values()))
    with server.websocket("?client=daw") as daw:
        daw.call("tempo", bpm=60)
        for panel in (first, second):
            expect(panel.page.locator("#facts")).to_contain_text("60 BPM")
        daw.call("tempo", bpm=120)
        daw.call("select", start="6|1|0", end="8|1|0")
        for panel in (first, second):
            expect(panel.page.locator("#region-label")).to_contain_text("Bars 6–7")
        daw.call("transport", position=44100, rolling=False)
        for panel in (first, second):
            expect(panel.page.locator("#daw-playhead")).to_be_visible()
            panel.wait("v.focus.playhead === 44100")
        before = len(first.value("takes"))
        job = daw.call(
            "repaint", source="band.wav", start="6|1|0", end="7|1|0", bpm=120, engine="noise", takes=2
        )
        daw.until_end(job["job"])
    for panel in (first, second):
        panel.wait("v.takes.length === x", before + 2)
        panel.wait("v.grid.barLength(0) === 88200")
    newest = first.value("takes")[0]["take"]
    first.page.locator(f".lane[data-take={newest}] .time").click()
    first.press("Enter")
    for panel in (first, second):
        expect(panel.page.locator(f".lane[data-take={newest}] .badge")).to_be_visible()
    with server.websocket("?client=daw") as daw:
        daw.call("takes.revert", take=newest)
    for panel in (first, second):
        expect(panel.page.locator(f".lane[data-take={newest}] .badge")).to_be_hidden()


def test_a_job_of_somebody_else_is_seen_and_can_be_stopped(open_panel, server):
    panel = open_panel().ready()
    with server.websocket("?client=script") as script:
        job = script.call("repaint", source="band.wav", bars="2-3", bpm=120, engine="slow")["job"]
        card = panel.page.locator("#job-list .job:not(.failed)")
        expect(card.locator(".name")).to_contain_text("Repaint bars 2–3")
        panel.press("Escape")  # asks first: it is another's
        expect(panel.page.locator("#cancel-dialog")).to_contain_text("Script requested it.")
        panel.page.get_by_role("button", name="Cancel the render").click()
        assert script.until_end(job)[-1].name == "cancelled"
    expect(card).to_have_count(0)


def test_the_page_comes_back_by_itself_after_a_restart(open_panel, tmp_path):
    settings = panel_settings(tmp_path, engine="sketch")
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as first:
        in_focus(first)
        port = first.settings.websocket_port
        panel = open_panel(of=first).ready()
        region = panel.select(2, 3)
    panel.away = True
    expect(panel.page.locator("#connection")).to_have_attribute("data-state", "lost")
    expect(panel.page.locator("#connection-text")).to_be_visible()
    assert panel.page.locator("#original").is_visible(), "what was there stays to be looked at"
    panel.page.set_viewport_size({"width": 400, "height": 800})
    expect(panel.page.locator("#connection-text")).to_be_in_viewport(ratio=1)
    panel.page.set_viewport_size({"width": 1400, "height": 900})
    panel.press("r")
    expect(panel.page.locator(".notice.error")).to_contain_text("cannot be reached")
    with ServerThread(panel_settings(tmp_path, engine="sketch", websocket_port=port)):
        expect(panel.page.locator("#connection")).to_have_attribute("data-state", "open")
        # The shared context was sent to the new server again.
        panel.wait("v.opened === 2 && v.focus.song && v.focus.selection?.end === x", region["end"])
        panel.choose_engine("noise")
        panel.press("r")
        expect(panel.page.locator(".lane:not(.pending)")).to_have_count(2)
        panel.close()
    panel.close = lambda: None  # closed already, while its server was there
