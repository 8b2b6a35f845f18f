"""Prompts in the panel: read while they are typed, brought back, kept as presets; and lyrics with section tags."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import low_contrasts, nameless

pytestmark = pytest.mark.slow

SINGS = """() => {
    const engines = structuredClone(panel.store.get("engines"));
    Object.assign(engines.sketch, {lyrics_characters: 4096, lyric_tags: ["Verse", "Chorus", "Bridge"]});
    panel.store.set({engines});
}"""


def test_a_prompt_is_read_while_it_is_typed(open_panel):
    page = open_panel().ready().page
    expect(page.locator("#f-prompt")).to_have_attribute(
        "placeholder", "no drums, drums only, keep vocals, drum fill; brighter or darker, busier or sparser"
    )
    page.fill("#f-prompt", "No drums, louder, lush")
    reading = page.locator("#prompt-reading")
    expect(reading.locator(".follows")).to_have_text("No drums leaves the drums out")
    expect(reading.locator(".ignores").nth(0)).to_have_text("lush is not followed by Sketch")
    expect(reading.locator(".ignores").nth(1)).to_contain_text(
        "louder is not followed: the loudness is matched"
    )
    assert low_contrasts(page) == []
    page.fill("#f-prompt", "")
    expect(reading).to_be_hidden()
    page.click("[data-task=accompany]")
    expect(page.locator("#f-prompt")).to_have_attribute(
        "placeholder", "pop, ballad, rock, folk, lofi or waltz; no drums, with guitar; sparse, half-time"
    )
    page.fill("#f-prompt", "half-time")
    expect(reading.locator(".follows")).to_have_text("half-time plays in half time")
    page.fill("#f-chords", "Am F | C")
    expect(reading.locator(".follows").nth(1)).to_contain_text("1 Am F · 2 C 2 bars from the region's first")
    page.fill("#f-chords", "Am Hm")
    expect(reading.locator(".ignores")).to_contain_text("bar 2: 'Hm' is not a chord: H is German for B")
    page.fill("#f-chords", "")
    page.click("[data-task=repaint]")
    expect(reading.locator(".ignores")).to_contain_text("the song's own tempo stays")


def test_prompts_used_with_the_song_come_back(open_panel, server):
    with server.websocket() as peer:
        for prompt in ("first", "second"):
            peer.render("repaint", source="band.wav", bars="8", bpm=120, engine="noise", prompt=prompt)
    page = open_panel(width=400, height=800).ready().page
    page.wait_for_function("document.querySelector('#recent-button')")
    page.click("#recent-button")
    names = page.locator("#recent-prompts .name")
    expect(names.first).to_have_text("second")
    expect(names.first.locator("..")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#f-prompt")).to_have_value("first")
    page.click("#recent-button")
    page.keyboard.press("Escape")
    expect(page.locator("#recent-prompts")).to_be_hidden()
    page.fill("#f-prompt", "")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#f-prompt")).to_have_value("second")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#f-prompt")).to_have_value("first")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#f-prompt")).to_have_value("")
    page.fill("#f-prompt", "typed")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#f-prompt")).to_have_value("typed")


def test_a_list_of_prompts_has_its_keys_before_the_server_has_answered(open_panel, server):
    with server.websocket() as peer:
        peer.render("repaint", source="band.wav", bars="8", bpm=120, engine="noise", prompt="first")
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.takes.length > 0")
    page.evaluate("""() => {
        const { connection } = panel.bridge;
        const call = connection.call.bind(connection);
        const never = new Promise(() => {});
        connection.call = (method, ...rest) => method === "prompts.recent" ? never : call(method, ...rest);
    }""")
    page.focus("#f-prompt")
    page.click("#recent-button")
    page.keyboard.press("Escape")
    expect(page.locator("#recent-prompts")).to_be_hidden()
    expect(page.locator("#recent-button")).to_be_focused()


def test_presets_are_saved_used_exported_and_deleted(open_panel, server, tmp_path):
    page = open_panel().ready().page
    page.fill("#f-prompt", "no drums")
    page.fill("#f-strength", "0.3")
    page.click("#preset-button")
    expect(page.locator("#preset-about")).to_have_text("Now in the form: Repaint, “no drums”, strength 30 %.")
    page.fill("#preset-name", "Bare")
    page.keyboard.press("Enter")
    expect(page.locator("#preset-list .name")).to_have_text("Bare")
    assert low_contrasts(page) == []
    assert nameless(page) == []
    with server.websocket() as peer:
        (kept,) = peer.call("presets.list")["presets"]
    assert (kept["name"], kept["task"], kept["prompt"], kept["strength"]) == (
        "Bare",
        "repaint",
        "no drums",
        0.3,
    )
    assert not {"start", "end", "seed", "id"} & set(kept)
    with page.expect_download() as download:
        page.click("#preset-dialog >> text=Export")
    saved = tmp_path / "presets.json"
    download.value.save_as(saved)
    assert json.loads(saved.read_text(encoding="utf-8"))["presets"] == [kept]
    page.keyboard.press("Escape")
    page.click("[data-task=accompany]")
    page.fill("#f-prompt", "waltz")
    page.click("#preset-button")
    page.click("#preset-list .use")
    expect(page.locator("#f-prompt")).to_have_value("no drums")
    expect(page.locator("[data-task=repaint]")).to_have_attribute("aria-checked", "true")
    assert page.input_value("#f-strength") == "0.3"
    page.click("#preset-button")
    page.click("#preset-list >> [aria-label='Delete the preset “Bare”']")
    page.keyboard.press("Enter")
    expect(page.locator("#preset-list")).to_contain_text("There are no presets yet")
    page.set_input_files("#preset-dialog input[type=file]", saved)
    expect(page.locator("#preset-list .name")).to_have_text("Bare")
    with server.websocket() as peer:
        peer.call("presets.delete", name="Bare")


def test_options_of_the_command_line_stay_on_one_line(open_panel):
    page = open_panel(width=400, height=800).ready().page
    page.click("#preset-button")
    option = page.locator("#preset-list .unbroken")
    expect(option).to_have_text("--preset")
    assert option.evaluate("one => one.getClientRects().length") == 1
    assert page.locator("#preset-list li").evaluate("one => one.children.length") == 1, (
        "it is one sentence still"
    )


def test_lyrics_have_sections_and_marks_where_the_engine_sings(open_panel):
    page = open_panel(width=400, height=800).ready().page
    expect(page.locator("#no-lyrics")).to_have_text("Lyrics: Sketch does not sing. Singing needs a model.")
    expect(page.locator("#f-lyrics")).to_be_hidden()
    page.evaluate(SINGS)
    page.click("#lyrics-fold summary")
    page.click(".lyrics-tags >> text=Verse")
    page.keyboard.type("one line")
    page.keyboard.press("Control+z")
    page.fill("#f-lyrics", "[Verse 2]\none line\n[Chrous]\n" + "la " * 30)
    expect(page.locator("#lyrics-about")).to_contain_text("2 sections, 2 lines · 118 of 4,096 characters")
    expect(page.locator("#lyrics-problems li")).to_have_text(
        [
            "Line 3: [Chrous] is no section tag the engine knows.",
            "Line 4: la la la la la la la la… has 89 characters; lines over 80 are hard to sing.",
        ]
    )
    assert page.locator(".lyrics-marks mark").all_inner_texts()[0] == "[Chrous]"
    page.locator("#f-lyrics").press("Control+End")
    page.focus(".lyrics-tags button")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.input_value("#f-lyrics").endswith("la \n[Chorus]\n")
    page.keyboard.press("Control+z")
    assert page.input_value("#f-lyrics").endswith("la ")
    assert low_contrasts(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_variations_prompt_is_read_as_well(open_panel):
    page = open_panel().ready().page
    page.wait_for_function("panel.store.get('selected')")
    page.evaluate(
        "panel.store.set({takes: panel.store.get('takes').map((take) => ({...take, engine: 'sketch'}))})"
    )
    page.click("#take >> text=Vary")
    page.fill("#v-prompt", "lush")
    expect(page.locator("#vary-reading .ignores")).to_have_text("lush is not followed by Sketch")
