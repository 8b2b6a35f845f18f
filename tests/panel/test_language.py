"""The panel in Korean: no state of it has English left, a producer's own words stay, and nothing is cut off at 400
pixels. In English nothing is translated at all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from bridge_server.languages.installed import catalogue_of, language_file
from tests.bridge_server.peers import ServerThread, band_song
from tests.panel.conftest import in_focus
from tests.panel.servers import PANEL_ENGINES, panel_settings
from tests.panel.test_prompts import SINGS

pytestmark = pytest.mark.slow

# Names, formats, units and keys are the same in every language; so is what a producer types into a field or reads in
# a command.
NAMES = (
    "Takebridge DAW DAWproject MIDI OSC JACK Link Ableton REAPER Bitwig Studio One Cubase Pro Tools Logic Resolve AAF "
    "LRC WAV FLAC ZIP JSON HTTPS BPM Hz kHz dB dBFS LUFS LU ms min kB MB GB ppm auto acestep Sketch Noise ACE "
    "Step Stems "
    "Broadcast QR Alt Shift Ctrl Enter Esc Space Backspace Delete Escape Verse Chorus Bridge Intro Outro Instrumental "
    "Am minor takebridge serve root preset presets export doctor"
)
SAME = sorted(NAMES.split())
# What the engines of the tests say of themselves.
DOUBLES = (
    "The weights are not there. Fetch them. It is not made for that. Use another engine. Noise was drawn. "
    "Words make no difference to noise. loading rendering slow unloadable"
)
NO_HUB = "http://127.0.0.1:9"
LEFT = """([same, own]) => {
  const found = new Set();
  const OWN_WORDS = '[dir="auto"], [translate="no"], kbd, code, textarea, script, style, noscript';
  const isOwn = (word) => same.includes(word) || own.some((one) => one.toLowerCase().includes(word.toLowerCase()));
  const english = (text, where) => {
    const unquoted = (text ?? "").replace(/[“"'‘`][^”"'’`]*[”"'’`]/g, " ");
    const left = (unquoted.match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !isOwn(word));
    if (left.length) found.add(`${where}: ${text.trim()}`);
  };
  for (const element of document.querySelectorAll("body *")) {
    for (const name of ["title", "aria-label", "aria-valuetext", "placeholder", "alt"]) {
      const given = element.getAttribute(name);
      const isPrompt = name === "placeholder" && element.id.endsWith("-prompt");
      if (!isPrompt && !given?.startsWith("/")) english(given, name);
    }
    if (element.closest(OWN_WORDS)) continue;
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) english(node.data, element.tagName.toLowerCase());
    }
  }
  return [...found];
}"""
FETCHED = "performance.getEntriesByType('resource').map(one => one.name)"
NO_PRESETS = (
    "There are no presets yet. They are kept on the server, for every panel and for takebridge --preset."
)
# What such a sentence was in English, and the same one as a producer's own words.
OPTIONS = """async () => {
  const { make } = await import("./panel/dom.js");
  const { englishOf } = await import("./panel/language.js");
  const shown = document.querySelector("#preset-list .quiet");
  const own = make("p", { dir: "auto" }, englishOf(shown));
  document.body.append(own);
  await new Promise((done) => requestAnimationFrame(done));
  return [englishOf(shown), own.textContent];
}"""
CUT_OFF = """() => [...document.querySelectorAll("button, label, h2, h3, summary, legend")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 4)
  .map((one) => one.textContent)"""


@pytest.fixture(scope="module")
def korean(chromium):
    """Pages of a browser that wants Korean."""
    chromium.set_extra_http_headers({"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"})
    yield
    chromium.set_extra_http_headers({})


@pytest.fixture(scope="module")
def takes(panel_server):
    """Ids of two takes of bars 2 to 5."""
    with panel_server.websocket() as peer:
        replies = peer.render(
            "repaint", source="band.wav", bars="2-5", bpm=120, engine="noise", takes=2, prompt="warm pads"
        )
    return [reply["take"] for reply in replies if reply.name == "take"]


def all_korean(page, *own):
    """Nothing on the page is English but names, units, and what a producer has typed or named."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    left = page.evaluate(LEFT, [SAME, ["band", "warm pads", DOUBLES, *own]])
    assert not left, "\n".join(left)


def test_a_song_its_takes_and_everything_unfolded(korean, open_panel, server, takes):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("x.every(id => v.takes.some(take => take.take === id))", takes)
    assert page.evaluate("document.documentElement.lang") == "ko"
    all_korean(page, *takes)
    panel.select(3, 4)
    page.evaluate("id => panel.store.set({ selected: id })", takes[0])
    panel.press("v")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    expect(page.locator("#x-format")).to_be_visible()
    all_korean(page, *takes)
    page.set_viewport_size({"width": 400, "height": 860})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.evaluate(CUT_OFF) == []


def test_every_task_lyrics_and_what_is_wrong(korean, open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    page.evaluate(SINGS)
    for task in ("complete", "accompany", "extract", "lego", "cover", "generate", "repaint"):
        page.locator(f"[data-task={task}]").click(force=True)
        all_korean(page)
    page.evaluate("document.getElementById('more-fold').open = true")
    page.fill("#f-prompt", "no drums, lush")
    expect(page.locator("#prompt-reading .ignores")).to_contain_text("따르지 않")
    assert "drums" in page.locator("#prompt-reading").inner_text(), "what was typed stays as it was"
    page.evaluate("document.getElementById('lyrics-fold').open = true")
    page.fill("#f-lyrics", "[Verse]\none line\n[Chrous]\n" + "la " * 40)
    expect(page.locator("#lyrics-problems li").first).to_contain_text("번째 줄")
    all_korean(page, "lush", "Chrous", "la", "none", "line", "lyrics:")
    page.fill("#f-crossfade", "5000")
    panel.select(2, 3)
    page.click("#submit")
    expect(page.locator(".notice.error")).to_contain_text("0~1000")
    all_korean(page, "lush", "Chrous", "la", "none", "line", "crossfade_ms", "lyrics:")


def test_jobs_questions_and_a_failure(korean, open_panel, server, takes):
    panel = open_panel().ready()
    page = panel.page
    panel.select(2, 2)
    panel.choose_engine("unloadable")
    panel.press("r")
    expect(page.locator("#job-list .job.failed")).to_be_visible()
    panel.choose_engine("slow")
    panel.press("r")
    expect(page.locator(".lane.pending")).to_have_count(1)
    all_korean(page, "unloadable", "slow")
    panel.press("Escape")
    expect(page.locator("#job-list .job:not(.failed)")).to_have_count(0)
    page.evaluate("id => panel.store.set({ selected: id })", takes[0])
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", takes[0])
    all_korean(page, "unloadable", "slow")
    panel.press("Backspace")
    panel.wait("v.takes.every(take => !take.chosen)")


def test_the_dialogs(korean, open_panel, server):
    panel = open_panel().ready()
    page = panel.page
    for opener, dialog in (
        ("#help-button", "#help-dialog"),
        ("#song-button", "#song-dialog"),
        ("#facts-button", "#facts-dialog"),
        ("#hearing-button", "#hearing"),
    ):
        page.click(opener)
        expect(page.locator(dialog)).to_be_visible()
        all_korean(page, ".wav", "songs", "pytest")
        panel.press("Escape")


def test_a_take_about_to_be_deleted(korean, open_panel, server, takes):
    panel = open_panel().ready()
    panel.wait("x.every(id => v.takes.some(take => take.take === id))", takes)
    panel.page.evaluate("id => panel.store.set({ selected: id })", takes[0])
    panel.page.locator("#removal .ask").click()
    expect(panel.page.locator("#removal .ask")).to_have_count(0)
    all_korean(panel.page, *takes)


def test_models(korean, open_panel, tmp_path):
    models = engine_setups(models=tmp_path / "models")[MODELS_ENGINE.name]
    settings = panel_settings(
        tmp_path, engines={**PANEL_ENGINES, MODELS_ENGINE.name: models}, engine="sketch", hub=NO_HUB
    )
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        panel = open_panel(of=in_focus(server)).ready()
        page = panel.page
        page.click("#request-form [data-task=generate]", force=True)
        page.click("#get-model")
        expect(page.locator("#models-dialog [data-model=turbo] .get")).to_be_visible()
        names = page.locator("#models-dialog strong").all_text_contents()
        names += [name for model in names for name in model.split("-")]
        own = (*names, "MIT Apache GPU ComfyUI turbo shift v1", str(tmp_path))
        all_korean(page, *own)
        panel.press("Enter")
        expect(page.locator("#model-failure")).to_be_visible()
        all_korean(page, *own)
        panel.away = True


def test_without_the_token_and_without_the_server(korean, open_panel, tmp_path):
    settings = panel_settings(tmp_path, engine="noise", token="open sesame")
    band_song(settings.roots[0] / "band.wav")
    with ServerThread(settings) as server:
        panel = open_panel(of=server)
        page = panel.page
        expect(page.locator("#token")).to_be_visible()
        all_korean(page)
        expect(page.get_by_role("heading", name="토큰 입력")).to_be_visible()
        for token in ("wrong", "open sesame"):
            page.fill("#token", token)
            page.press("#token", "Enter")
            if token == "wrong":
                expect(page.get_by_role("heading", name="틀린 토큰")).to_be_visible()
                all_korean(page, token)
        page.locator(".song-list .name", has_text="band").click()
        panel.ready()
        panel.away = True
    expect(page.locator("#connection")).to_have_attribute("data-state", "lost")
    all_korean(page, ".wav", "songs")


def test_a_sentence_that_names_an_option(korean, open_panel, server, tmp_path):
    """On the page it is divided, so that the option stays on one line, and translated as the one sentence it is."""
    with ServerThread(panel_settings(tmp_path, engine="noise")) as empty:
        panel = open_panel(of=empty)
        page = panel.page
        card = page.locator(".way", has_text="서버의 폴더에서")
        expect(card).to_contain_text("아직 곡이 없습니다. --root에 곡 폴더를 지정해 서버를 시작하세요.")
        assert card.locator(".unbroken").text_content() == "--root"
        page.click("#song-button")
        expect(page.locator("#song-dialog")).to_contain_text("--root에 곡 폴더를 지정해 서버를 시작하거나")
        all_korean(page)
        panel.away = True
    page = open_panel().ready().page
    page.click("#preset-button")
    expect(page.locator("#preset-list")).to_contain_text("아직 프리셋이 없습니다.")
    all_korean(page)
    assert page.evaluate(OPTIONS) == [NO_PRESETS, NO_PRESETS]


def test_a_producers_own_words_stay(korean, open_panel, server, takes):
    """A take, or a sound that was trained, may be called like a word of the panel."""
    with server.websocket() as peer:
        peer.call("takes.mark", take=takes[0], name="Original")
    panel = open_panel().ready()
    panel.wait("v.takes.some(take => take.name === 'Original')")
    panel.page.evaluate("id => panel.store.set({ selected: id })", takes[0])
    expect(panel.page.locator("#take-title")).to_have_text("Original")
    expect(panel.page.locator(".original-row .lane-title")).to_have_text("원본")
    chosen = panel.page.locator(f"[data-take='{takes[0]}'] .lane-select")
    expect(chosen).to_have_attribute("aria-label", re.compile("^테이크 “Original”"))
    panel.page.evaluate("panel.store.set({ sounds: [{ adapter: 'brushes', name: 'drums' }] })")
    expect(panel.page.locator("option[value=brushes]")).to_have_text("drums")
    with server.websocket() as peer:
        peer.call("takes.mark", take=takes[0], name="")


def test_the_panel_and_the_server_translate_alike(korean, open_panel, server):
    page = open_panel().ready().page
    catalogue = catalogue_of("ko")
    texts = [
        "There is no file a.wav. Check the name and where it was saved.",
        "crossfade_ms: must be 0 to 1000, got 5000.",
        'bars: bars must look like "17-20" (the last one included) or "17", in whole numbers, got \'x\'.',
        "The region starts at sample 123 (bar 3 beat 1), after the song's end.",
        "Job j12 has no take: it failed.",
        "joining bars (region 2 of 3)",
        "joining bars (track 2 of 3, take 1 of 2)",
        "Region 2 of track 1: The song has no drums. Region 3 of track 1 could not be rendered either.",
        "from here to eternity",
        "5 to 9",
        "name: must be 1 to 128 characters long, got 0.",
        "Job j1 has no take: it was cancelled.",
        "start: position 'x': it is not in an accepted form; a bar position must be finite.",
        "regions: generate takes no regions.",
        "regions: region 2: must be text, got 3.",
        'It takes a list of at most 3 songs, each a name as in source or {"source": "bass.wav", '
        '"source_position": 96000}; or names separated by commas.',
        "Warning: The take is 3 LU louder than the song.",
        "  renders on studio, 3 places",
        "6.3 GB to fetch",
        "bar 2, chord 1: 'Hx' is not a chord: B is not known.",
        " 2 bars from the region's first, repeated to the region's end",
        "",
        *list(language_file("ko")["sentences"])[::40],
    ]
    found = page.evaluate(
        "async texts => { const { translated } = await import('./panel/language.js'); return texts.map(translated); }",
        texts,
    )
    assert found == [catalogue.translate(text) for text in texts]


def test_in_english_nothing_is_translated(chromium, open_panel, server):
    chromium.set_extra_http_headers({"Accept-Language": "en-GB,en;q=0.9,ko;q=0.5"})
    page = open_panel().ready().page
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.locator(".original-row .lane-title")).to_have_text("Original")
    assert not any("languages" in name for name in page.evaluate(FETCHED))
