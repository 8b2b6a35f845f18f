"""From the selection to the accepted take, with the mouse and with the keys alone; cancelling; failing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from daw_protocol.requests.export import EXPORT_FORMATS

pytestmark = pytest.mark.slow


def test_a_region_is_repainted_with_the_mouse_and_a_take_accepted(open_panel, server, songs):
    panel = open_panel().ready()
    page = panel.page
    before = len(server.takes())
    region = panel.select(3, 4)
    expect(page.locator("#region-label")).to_contain_text("Bars 3–4")
    expect(page.locator("#submit")).to_contain_text("Repaint bars 3–4")
    page.fill("#f-seed", "5")
    page.evaluate("document.getElementById('more-fold').open = true")
    page.select_option("#f-depth", "24")  # the song has 16 bits
    page.click("#submit")
    panel.wait("v.takes.length === x", before + 2)
    assert {take.receipt.encoding for take in server.takes()[:2]} == {"PCM_24"}
    page.select_option("#f-depth", "song")
    expect(page.locator("#job-list .job:not(.failed)")).to_have_count(0)
    page.locator(".lane").nth(1).locator(".time").click()
    expect(page.locator("#take-title")).to_have_text("Take 2 · Repaint bars 3–4")
    expect(page.locator(".receipt-line")).to_contain_text("On the exact sample, nothing outside changed")
    page.click("#accept")
    expect(page.locator(".lane").nth(1).locator(".badge")).to_be_visible()
    (chosen,) = [take for take in chosen_takes(server) if take.position == region["start"]]
    assert chosen.number == 2
    assert chosen.position + chosen.length == region["end"]
    with page.expect_download() as saving:
        page.click("#take .files >> text=Whole song")
    found, _ = soundfile.read(saving.value.path(), dtype="float32")
    song, _ = soundfile.read(songs / "band.wav", dtype="float32")
    inside = slice(region["start"], region["end"])
    outside = np.r_[0 : region["start"], region["end"] : len(song)]
    assert np.array_equal(found[outside], song[outside])
    assert not np.array_equal(found[inside], song[inside])
    page.click("#take-title >> xpath=../.. >> text=Revert")
    expect(page.locator(".lane").nth(1).locator(".badge")).to_be_hidden()
    assert chosen.id not in {take.id for take in chosen_takes(server)}


def chosen_takes(server):
    """The takes in force of the song, as the store has them."""
    takes = server.takes()
    song = takes[0].parent
    chosen = server.on_loop(lambda: set(server.server.store.index.choices(song).values()))
    return [take for take in takes if take.id in chosen]


def test_the_keys_alone_lead_to_an_accepted_take(open_panel, server):
    before = len(server.takes())
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.focus.selection === null")
    for bar in (1, 2, 3):  # the first key begins a region, those after it move it
        panel.press("ArrowRight")
        panel.wait("v.dragged === null && v.focus.selection?.start === x", panel.bar(bar))
    panel.wait("v.focus.selection.end === x", panel.bar(4))
    panel.press("Shift+ArrowRight")
    panel.wait("v.dragged === null && v.focus.selection.end === x", panel.bar(5))
    panel.press("Shift+ArrowLeft")
    panel.wait("v.dragged === null && v.focus.selection.end === x", panel.bar(4))
    jobs = len(panel.value("jobs"))
    panel.press("p")
    page.keyboard.type("r z a: these are letters here")
    assert page.input_value("#f-prompt") == "r z a: these are letters here"
    page.fill("#f-prompt", "")
    panel.press("Escape", "r")
    panel.wait("v.jobs.size === x", jobs + 1)  # one: the letters asked for nothing
    panel.wait("v.takes.length === x && v.takes[0].position === v.focus.selection.start", before + 2)
    panel.wait("v.selected === v.takes[0].take")
    panel.press("ArrowDown")
    panel.wait("v.selected === v.takes[1].take")
    panel.press("ArrowUp", "ArrowDown", "Enter")
    panel.wait("v.takes[1].chosen && !v.takes[0].chosen")
    panel.press("Backspace")
    panel.wait("!v.takes[1].chosen")
    panel.press("y")
    panel.wait("v.takes[1].chosen")
    panel.press("Backspace")
    panel.wait("!v.takes[1].chosen")
    panel.press("0")
    scale = panel.value("view")["scale"]
    panel.press("z")
    panel.wait("v.view.scale < x", scale / 2)
    panel.press("0")
    panel.wait("v.view.scale > x * 0.9", scale)
    panel.press("?")
    expect(page.locator("#help-dialog")).to_be_visible()
    panel.press("Escape")
    expect(page.locator("#help-dialog")).to_be_hidden()


def test_a_take_is_deleted_with_the_second_click(open_panel, server):
    with server.websocket() as daw:
        (take,) = [
            reply["take"]
            for reply in daw.render("repaint", source="band.wav", bars="6", bpm=120, engine="noise", seed=3)
            if reply.name == "take"
        ]
    before = len(server.takes())
    panel, other = open_panel().ready(), open_panel().ready()
    page = panel.page
    page.locator(".lane").first.locator(".time").click()
    panel.wait("v.selected === x", take)
    page.click("#removal >> text=Delete…")
    page.click("#removal >> text=Keep")
    page.click("#removal >> text=Delete…")
    assert len(server.takes()) == before
    page.click("#removal >> text=Delete for good")
    for each in (panel, other):  # other panels follow
        each.wait("!v.takes.some((one) => one.take === x)", take)
    assert take not in {one.id for one in server.takes()}


def test_escape_and_the_button_cancel_a_job(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.select(2, 2)
    panel.choose_engine("slow")
    panel.press("r")
    expect(page.locator("#job-list .job:not(.failed) .stage")).to_contain_text("rendering")
    expect(page.locator(".lane.pending")).to_have_count(1)
    panel.press("Escape")
    expect(page.locator("#job-list .job:not(.failed)")).to_have_count(0)
    panel.wait("[...v.jobs.values()][0].state === 'cancelled'")
    panel.press("r")
    page.locator("#job-list").get_by_role("button", name="Cancel").click()
    expect(page.locator("#job-list .job:not(.failed)")).to_have_count(0)
    expect(page.locator("#live")).to_contain_text("cancelled")


def test_a_job_that_fails_says_what_was_wrong_and_what_to_do(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.select(2, 2)
    panel.choose_engine("unloadable")
    panel.press("r")
    card = page.locator("#job-list .job.failed")
    expect(card.locator(".sentence")).to_contain_text("The weights are not there.")
    expect(card.locator(".remedy")).to_contain_text("Fetch them.")
    page.set_viewport_size({"width": 1280, "height": 600})
    panel.press("r")  # its card comes below the form, out of sight
    expect(page.locator(".notice.error")).to_contain_text("Repaint bar 2 failed. The weights are not there.")
    expect(page.locator(".notice.error .remedy")).to_have_text("Fetch them.")
    page.locator(".notice.error button").click()
    expect(card).to_have_count(2)
    card.first.get_by_role("button", name="Dismiss").click()
    expect(card).to_have_count(1)
    card.get_by_role("button", name="Dismiss").click()
    expect(card).to_have_count(0)


def test_a_value_the_server_will_not_take_is_pointed_at(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.select(2, 2)
    page.evaluate("document.getElementById('more-fold').open = true")
    page.fill("#f-crossfade", "5000")
    page.evaluate("document.getElementById('more-fold').open = false")
    page.click("#submit")
    expect(page.locator(".notice.error")).to_contain_text("crossfade")
    expect(page.locator("#f-crossfade")).to_be_focused()
    expect(page.locator("#f-crossfade")).to_have_attribute("aria-invalid", "true")
    page.keyboard.type("0")
    expect(page.locator("#f-crossfade")).not_to_have_attribute("aria-invalid", "true")


def test_what_an_engine_cannot_do_is_struck_out_with_the_reason(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    generate = page.locator("[data-task=generate]")
    expect(generate).to_have_attribute("aria-disabled", "true")
    generate.click(force=True)  # force: it can be looked at, and says why it cannot be done
    expect(page.locator("#request .reason")).to_be_visible()
    assert len(page.locator("#request .reason").inner_text()) > 20
    before = len(panel.value("jobs"))
    page.locator("#submit").click(force=True)
    expect(page.locator(".notice.error")).to_be_visible()
    assert len(panel.value("jobs")) == before
    panel.choose_engine("noise")
    expect(generate).to_have_attribute("aria-disabled", "false")


def test_a_take_is_made_again_and_varied(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    before = len(panel.value("takes"))
    panel.select(6, 6)
    panel.choose_engine("noise")
    page.fill("#f-takes", "1")
    page.fill("#f-prompt", "with brushes")
    page.click("#submit")
    panel.wait("v.takes.length === x && v.selected === v.takes[0].take", before + 1)
    panel.press("g")
    panel.wait("v.takes.length === x", before + 2)
    panel.press("v")
    page.fill("#v-prompt", "with sticks")
    page.fill("#v-seed", "77")
    page.get_by_role("button", name="Render variation").click()
    panel.wait("v.takes.length === x", before + 3)
    newest = panel.value("takes")[0]
    assert (newest["prompt"], newest["seed"]) == ("with sticks", 77)
    expect(page.locator("#take details[data-name=recipe]")).to_have_count(1)
    page.click("#take summary >> text=Recipe")
    expect(page.locator("#take details[data-name=recipe]")).to_contain_text("with sticks")
    expect(page.locator("#take details[data-name=recipe]")).to_contain_text(
        "Words make no difference to noise."
    )


def test_a_take_can_be_dragged_out_as_a_file(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length > 0")
    # A real drag of the mouse. DownloadURL, which is for the desktop, can be read at its start only; the rest arrives.
    page.evaluate(
        """() => {
            const target = document.getElementById("original-time");
            let file = "";
            document.addEventListener("dragstart", (event) => { file = event.dataTransfer.getData("DownloadURL"); });
            target.addEventListener("dragover", (event) => event.preventDefault());
            target.addEventListener("drop", (event) => {
                globalThis.carried = { file, address: event.dataTransfer.getData("text/uri-list").trim() };
            });
        }"""
    )
    page.locator(".lane .grip").last.drag_to(page.locator("#original-time"))
    page.wait_for_function("() => globalThis.carried")
    carried = page.evaluate("carried")
    kind, name, address = carried["file"].split(":", 2)
    assert kind == "audio/wav"
    assert name == "band.repaint.1.wav"
    assert address == carried["address"]
    status, _, body = server.get(address.removeprefix(panel.address))
    assert status == 200
    take = panel.value("takes")[-1]
    assert soundfile.info(io.BytesIO(body)).frames == take["length"]


def test_spectrograms_come_when_they_are_asked_for(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length > 0 && v.selected")
    pictures = page.locator("#take .spectrograms img")
    expect(pictures).to_have_count(0)
    panel.press("s")
    expect(pictures.first).to_be_visible()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.spectrograms img')].some(image => image.naturalWidth > 100)"
    )


def test_a_take_is_written_as_a_project(open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length > 0 && v.selected")
    page.click("#take summary >> text=Export as a project")
    page.wait_for_selector("#x-format")  # made when it is unfolded
    known = page.eval_on_selector_all("#x-format option", "all => all.map(one => one.value)")
    assert set(known) == set(EXPORT_FORMATS), "every format can be chosen"
    page.select_option("#x-format", "rpp")
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.locator(".exported code")).to_contain_text(".rpp")
    assert Path(page.locator(".exported code").inner_text()).is_file()
