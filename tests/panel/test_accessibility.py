"""axe-core finds nothing in any state of the panel: dark and light, wide and narrow. On the narrow one Tab goes through
every state in the order of the screen, and back, with the focus in sight."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect

from bridge_server.bundled import PANEL
from tests.bridge_server.peers import ServerThread, band_song
from tests.panel.accessibility import axe_file, nothing_found
from tests.panel.servers import panel_settings
from tests.panel.tabbing import walked
from tests.panel.test_prompts import SINGS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        axe_file() is None, reason="SKIPPED: axe-core is missing (pip install axe-playwright-python)"
    ),
]

LONG = {"seconds": 600.0}  # renders until it is cancelled
EVERYTHING: tuple[str, ...] = ()
# What another scheme can change, and what another width can: where things lie, and on what.
COLOURS = ("color-contrast",)
LOOKS = (*COLOURS, "target-size", "scrollable-region-focusable")


def looked_at(panel, keys=True):
    """The state the page is in, in both schemes and at three widths; on the narrow one by Tab too, and back."""
    page = panel.page
    for width, scheme, rules in (
        (1280, "dark", EVERYTHING),
        (1280, "light", COLOURS),
        (800, "dark", LOOKS),
        (400, "light", EVERYTHING),
        (400, "dark", COLOURS),
    ):
        page.set_viewport_size({"width": width, "height": 860})
        page.evaluate("async name => (await import('./panel/scheme.js')).applyScheme(name)", scheme)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        try:
            nothing_found(page, *rules)
        except AssertionError as found:
            raise AssertionError(f"{width} pixels, {scheme}:\n{found}") from None
    if keys:
        focused = page.evaluate_handle("document.activeElement")
        walked(page)
        focused.evaluate(
            "one => (one === document.body ? document.activeElement.blur() : one.focus({ preventScroll: true }))"
        )


@pytest.fixture
def takes(server):
    """Ids of two takes of bars 2 to 5; nothing is accepted, and bars 3 and 4 are selected."""
    with server.websocket() as peer:
        replies = peer.render("repaint", source="band.wav", bars="2-5", bpm=120, engine="noise", takes=2)
        found = [reply["take"] for reply in replies if reply.name == "take"]
        peer.call("select", start="4s", end="8s")
        yield found
        for take in found:
            peer.call("takes.delete", take=take)


@pytest.fixture
def panel(open_panel, takes):
    """A page with a region and the first of two takes in hand."""
    found = open_panel().ready()
    found.wait("x.every(id => v.takes.some(take => take.take === id))", takes)
    found.page.evaluate("id => panel.store.set({ selected: id })", takes[0])
    return found


def test_a_scheme_changes_nothing_but_colours():
    """So that what lies where is looked at in one of them."""
    style = (PANEL / "panel.css").read_text(encoding="utf-8")
    (light,) = re.findall(r'\[data-scheme="light"\] \{(.*?)\}', style, re.DOTALL)
    assert style.count("data-scheme") == 1
    set_there = dict(one.strip().split(": ", 1) for one in light.split(";") if one.strip())
    for name, value in set_there.items():
        known = name in ("color-scheme", "--shadow") or re.fullmatch(r"#[0-9a-f]{6}|rgb\(.*\)", value)
        assert known, f"{name}: {value}"


def test_what_is_wrong_is_found(open_panel, server):
    page = open_panel().ready().page
    nothing_found(page)
    page.evaluate("document.getElementById('help-button').removeAttribute('aria-label')")
    page.evaluate("document.getElementById('help-button').title = ''")
    page.evaluate("document.getElementById('help-button').textContent = ''")
    with pytest.raises(AssertionError, match="button-name"):
        nothing_found(page)


def test_a_control_out_of_order_out_of_sight_or_without_a_visible_focus_is_found(open_panel, server):
    page = open_panel(width=400).ready().page
    found = walked(page)
    assert len(found) > 20
    for fault in (
        "#zoom-in { order: 9; }",
        "html { scroll-padding: 0 !important; }",
        "#f-prompt:focus { outline: none !important; box-shadow: none !important; }",
    ):
        sheet = "const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets = [sheet];"
        page.evaluate(f"css => {{ {sheet} }}", fault)
        with pytest.raises(AssertionError):
            walked(page)
        page.evaluate("document.adoptedStyleSheets = []")


def test_no_song(open_panel, panel_server):
    with panel_server.websocket("?client=daw") as daw:
        daw.call("forget")
    panel = open_panel()
    expect(panel.page.get_by_role("heading", name="Choose a song")).to_be_visible()
    looked_at(panel)


def test_a_song_whose_tempo_nobody_knows_and_the_question_about_it(open_panel, server, songs):
    shutil.copy(songs / "band.wav", songs / "bounce.wav")
    with server.websocket("?client=daw") as daw:
        daw.call("forget")
        daw.call("source", source="bounce.wav")
    panel = open_panel().ready()
    expect(panel.page.locator("#facts")).to_contain_text("tempo not set")
    looked_at(panel)
    panel.press("ArrowRight")
    expect(panel.page.locator("#facts-dialog")).to_be_visible()
    looked_at(panel)
    panel.page.keyboard.press("Enter")
    expect(panel.page.locator("#tempo-found")).to_contain_text("Found", timeout=120_000)
    looked_at(panel)


def test_a_region_without_takes(open_panel, server):
    panel = open_panel().ready()
    panel.select(6, 7)
    panel.page.click("#filter-here")
    expect(panel.page.locator("#lanes-empty")).to_be_visible()
    looked_at(panel)


def test_what_an_engine_cannot_do(open_panel, server):
    panel = open_panel().ready()
    panel.page.locator("[data-task=generate]").click(force=True)  # force: it is struck out, and says why
    expect(panel.page.locator("#request .reason")).to_be_visible()
    looked_at(panel)


def test_rendering_and_a_failure(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.select(2, 2)
    panel.choose_engine("unloadable")
    panel.press("r")
    expect(page.locator("#job-list .job.failed")).to_be_visible()
    panel.choose_engine("slow")
    panel.press("r")
    expect(page.locator(".lane.pending")).to_have_count(1)
    looked_at(panel)
    panel.press("Escape")
    expect(page.locator("#job-list .job:not(.failed)")).to_have_count(0)


def test_long_names_lyrics_a_queue_and_the_question_before_a_job_is_cancelled(panel, server, takes):
    page = panel.page
    with server.websocket("?client=mixdesk") as other:
        other.call("takes.mark", take=takes[0], name="שיר ארוך " * 8, stars=5)
        other.call("takes.mark", take=takes[1], name="W" * 80)
        jobs = [
            other.call("repaint", source="band.wav", bars=bar, bpm=120, engine="slow", options=LONG)["job"]
            for bar in "123"
        ]
    panel.wait("v.jobs.size >= 3 && v.takes.some(take => take.name.startsWith('W'))")
    page.evaluate(SINGS)
    page.click("#lyrics-fold summary")
    page.fill("#f-lyrics", "[Chrous]\n" + "la " * 40)
    looked_at(panel)
    page.evaluate("document.activeElement.blur()")
    panel.press("Escape")
    expect(page.locator("#cancel-dialog")).to_contain_text("Mixdesk requested it. It")
    looked_at(panel)
    panel.press("Escape")
    with server.websocket("?client=mixdesk") as other:
        for job in jobs:
            other.call("cancel", job=job)


def test_a_take_with_everything_unfolded(panel):
    panel.press("v")
    panel.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    expect(panel.page.locator("#x-format")).to_be_visible()
    looked_at(panel)


def test_a_take_about_to_be_deleted(panel):
    panel.page.click("#removal >> text=Delete…")
    looked_at(panel)


def test_accepted_comped_and_saved(panel, server, takes):
    page = panel.page
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", takes[0])
    looked_at(panel)
    page.evaluate("id => panel.store.set({ selected: id })", takes[1])
    panel.press("Shift+Enter")
    panel.wait("v.takes.some(take => take.take === x && take.parts?.length)", takes[1])
    looked_at(panel)
    page.evaluate(
        "panel.saving = document.getElementById('save-song'); panel.saving.classList.add('writing')"
    )
    looked_at(panel)
    page.evaluate("panel.saving.classList.remove('writing')")
    with page.expect_download():
        page.get_by_role("button", name="Save the song").click()
    expect(page.locator(".notice")).to_contain_text("Saved with")
    looked_at(panel)


def test_playing_here(panel):
    page = panel.page
    panel.wait("v.place === 'here'")
    panel.press(" ")
    panel.wait("v.audition.state === 'playing'")
    looked_at(panel)
    panel.press("h")
    expect(page.locator("#hearing")).to_be_visible()
    looked_at(panel)
    page.locator("#auto").focus()  # the last one
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#hearing")).to_be_hidden()
    page.evaluate("document.activeElement.blur()")
    panel.press(" ")
    panel.wait("v.audition.state === 'stopped'")


def test_the_keys_and_the_songs(panel):
    page = panel.page
    panel.press("?")
    expect(page.locator("#help-dialog")).to_be_visible()
    looked_at(panel)
    panel.press("Escape")
    page.click("#song-button")
    expect(page.locator("#song-dialog")).to_be_visible()
    looked_at(panel)


def test_an_error_and_a_field_that_is_wrong(panel):
    page = panel.page
    page.evaluate("document.getElementById('more-fold').open = true")
    page.fill("#f-crossfade", "5000")
    page.click("#submit")
    expect(page.locator(".notice.error")).to_be_visible()
    looked_at(panel)


def test_a_file_above_the_page(panel):
    panel.page.evaluate("document.getElementById('drop').hidden = false")
    looked_at(panel, keys=False)  # a hand holds the file


def test_without_the_server_and_without_the_token(open_panel, tmp_path):
    settings = panel_settings(tmp_path, engine="noise", token="open sesame")
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        panel = open_panel(of=server)
        expect(panel.page.get_by_role("heading", name="Enter the token")).to_be_visible()
        looked_at(panel)
        panel.page.fill("#token", "open sesame")
        panel.page.get_by_role("button", name="Open the panel").click()
        panel.page.locator(".song-list .name", has_text="band").click()
        panel.ready()
        panel.away = True
    expect(panel.page.locator("#connection")).to_have_attribute("data-state", "lost")
    looked_at(panel)
