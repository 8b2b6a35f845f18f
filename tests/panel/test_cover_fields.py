"""What a cover keeps of its song, and how close a variation stays, where the engine can do it; in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import nameless

pytestmark = pytest.mark.slow

EDITS = """() => {
    const engines = structuredClone(panel.store.get('engines'));
    Object.assign(engines.sketch, { edits: true, can: [...engines.sketch.can, 'cover'], lyrics_characters: 4096 });
    delete engines.sketch.cannot.cover;
    Object.assign(engines.sketch.options, { cover_from: 'what a cover keeps', retake_of: 'whose noise' });
    panel.store.set({ engines });
    panel.asked = [];
    const really = panel.bridge.call.bind(panel.bridge);
    panel.bridge.call = async (method, values, ...more) => {
        if (method !== 'cover' && method !== 'vary') return really(method, values, ...more);
        panel.asked.push([method, values]);
        return { job: 'j0' };
    };
}"""
"""Sketch as an engine that covers, edits and retakes; what the page asks of the server is kept instead of sent."""


def asked(page, method: str) -> dict:
    page.wait_for_function("method => panel.asked.some(([name]) => name === method)", arg=method)
    (values,) = [values for name, values in page.evaluate("panel.asked") if name == method]
    return values


def test_an_edit_has_the_song_as_it_is(open_panel):
    panel = open_panel().ready()
    page = panel.page
    expect(page.locator("[data-field=edit]")).to_be_hidden()
    page.evaluate(EDITS)
    page.click("[data-task=cover]")
    expect(page.locator("#f-song_prompt")).to_be_hidden()
    expect(page.locator("[data-field=faithful]")).to_be_visible()
    page.check("[name=edit]")
    expect(page.locator("[data-field=strength]")).to_be_hidden()
    expect(page.locator("[data-field=faithful]")).to_be_hidden()
    page.fill("#f-prompt", "slow piano ballad, choir")
    page.fill("#f-song_prompt", "slow piano ballad")
    page.fill("#f-song_lyrics", "[Verse]\nold words")
    assert nameless(page) == []
    page.click("#submit")
    sent = asked(page, "cover")
    assert (sent["edit"], sent["song_prompt"], sent["song_lyrics"]) == (
        True,
        "slow piano ballad",
        "[Verse]\nold words",
    )
    assert "strength" not in sent
    assert "options" not in sent


def test_a_remix_keeps_the_songs_own_sound(open_panel):
    page = open_panel().ready().page
    page.evaluate(EDITS)
    page.click("[data-task=cover]")
    page.check("[name=faithful]")
    page.fill("#f-prompt", "lo-fi house")
    page.click("#submit")
    sent = asked(page, "cover")
    assert sent["options"] == {"cover_from": "song"}
    assert "edit" not in sent


def test_stems_that_take_a_pass_each_say_so(open_panel):
    page = open_panel().ready().page
    legend = page.locator("[data-field=stems] legend")
    page.click("[data-task=extract]")
    expect(legend).to_have_text("Stems (none: all)")
    page.evaluate(
        """() => {
            const engines = structuredClone(panel.store.get('engines'));
            Object.assign(engines.sketch, { stem_passes: true, stems: ['vocals', 'drums', 'bass'] });
            panel.store.set({ engines });
        }"""
    )
    expect(legend).to_have_text("Stems (none: all 3, a pass each)")


def test_a_variation_can_stay_close_to_its_take(open_panel):
    page = open_panel().ready().page
    page.wait_for_function("panel.store.get('selected')")
    page.click("#take >> text=Vary")
    expect(page.locator("#v-variance")).to_have_count(0)
    page.click("#take >> text=Vary")
    page.evaluate(EDITS)
    page.evaluate(
        "panel.store.set({takes: panel.store.get('takes').map((take) => ({...take, engine: 'sketch'}))})"
    )
    page.click("#take >> text=Vary")
    page.select_option("#v-variance", label="close to this one")
    page.get_by_role("button", name="Render variation").click()
    assert asked(page, "vary")["variance"] == 0.2
