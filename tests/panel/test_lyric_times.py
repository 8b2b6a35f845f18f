"""Lyrics that are timed, and words that were heard: where they are asked for and shown; in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import nameless

pytestmark = pytest.mark.slow

SINGS = """() => {
    const engines = structuredClone(panel.store.get('engines'));
    const can = [...engines.sketch.can, 'generate'];
    Object.assign(engines.sketch, { times_lyrics: true, can, lyrics_characters: 4096 });
    delete engines.sketch.cannot.generate;
    panel.store.set({ engines });
    panel.asked = [];
    const really = panel.bridge.call.bind(panel.bridge);
    panel.bridge.call = async (method, values, ...more) => {
        if (method !== 'generate') return really(method, values, ...more);
        panel.asked.push([method, values]);
        return { job: 'j0' };
    };
    panel.bridge.listen = async (method, values) => (
        { takes: [{ take: values.take, match: 0.75, words: 4, text: 'la la here', confidence: 0.4 }] }
    );
    const show = panel.bridge.read.bind(panel.bridge);
    panel.bridge.read = async (method, values, ...more) => {
        const found = await show(method, values, ...more);
        if (method !== 'takes.show' || !found) return found;
        const sung = [{ text: 'la la la here', start: 1.25, end: 3 }, { text: 'and there', start: 61.5, end: 63 }];
        return { ...found, request: { ...found.request, lyrics: 'la la la here' }, sung };
    };
}"""
"""Sketch as an engine that sings; what the page asks of the server is kept instead of sent, and takes have lyrics."""


def test_times_are_asked_for_where_there_are_lines_to_sing(open_panel):
    page = open_panel().ready().page
    page.evaluate(SINGS)
    page.click("[data-task=generate]")
    box = page.locator("[data-field=lyric_times]")
    expect(box).to_be_hidden()
    page.fill("#f-prompt", "slow bossa nova")
    page.fill("#f-lyrics", "[Instrumental]")
    expect(box).to_be_hidden()
    page.fill("#f-lyrics", "[Verse]\nla la")
    expect(box).to_be_visible()
    page.check("[name=lyric_times]")
    assert nameless(page) == []
    page.click("#submit")
    page.wait_for_function("panel.asked.length")
    assert page.evaluate("panel.asked[0][1].lyric_times") is True
    page.fill("#f-lyrics", "")
    page.click("#submit")
    page.wait_for_function("panel.asked.length === 2")
    assert page.evaluate("panel.asked[1][1].lyric_times ?? null") is None


def test_a_take_shows_its_lines_and_what_was_heard_of_them(open_panel, panel_server):
    with panel_server.websocket() as peer:
        peer.render("repaint", source="band.wav", bars="3-4", bpm=120, engine="noise", seed=1, prompt="warm")
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length > 1")
    page.wait_for_function("panel.store.get('selected')")
    page.evaluate(SINGS)
    page.evaluate(
        """() => {
            const other = panel.store.get('takes').find((take) => take.take !== panel.store.get('selected'));
            panel.store.set({ selected: other.take });
        }"""
    )
    page.click("#take details[data-name=sung] summary")
    expect(page.locator("#take .sung li")).to_have_text(["0:01.3la la la here", "1:01.5and there"])
    page.click("#take details[data-name=receipt] summary")
    page.click("#hear-words")
    expect(page.locator("#take .figures").first).to_contain_text("Words of the lyrics heard")
    expect(page.locator("#take .figures").first).to_contain_text("3 of 4, unsure")
    assert nameless(page) == []


def test_times_are_asked_for_later(open_panel):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length > 1")
    page.wait_for_function("panel.store.get('selected')")
    page.evaluate(SINGS)
    page.evaluate(
        """() => {
            panel.bridge.vary = (...asked) => { panel.asked.push(asked); };
            const show = panel.bridge.read.bind(panel.bridge);
            panel.bridge.read = async (method, values, ...more) => {
                const found = await show(method, values, ...more);
                if (method !== 'takes.show' || !found) return found;
                const { sung, ...about } = found;
                return { ...about, task: 'generate', recipe: { ...about.recipe, engine: 'sketch' } };
            };
            const other = panel.store.get('takes').find((take) => take.take !== panel.store.get('selected'));
            panel.store.set({ selected: other.take });
        }"""
    )
    later = page.locator("#time-lines")
    expect(later).to_be_visible()
    assert nameless(page) == []
    later.click()
    take = page.evaluate("panel.store.get('selected')")
    assert page.evaluate("panel.asked") == [[take, {"lyric_times": True}]]
