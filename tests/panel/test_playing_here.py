"""Takes that play in the browser: the same keys and buttons as for the bridge's machine, for one panel alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.bridge_server.peers import ServerThread, band_song
from tests.bridge_server.servers import settings_in
from tests.doubles import ENGINES
from tests.panel.accessibility import low_contrasts, nameless, too_small
from tests.panel.conftest import in_focus

pytestmark = pytest.mark.slow

BAR = 88200  # 4/4 at 120 BPM
SONG_BARS = 60  # two minutes


@pytest.fixture(scope="module")
def two_takes(tmp_path_factory):
    """A server without sound: two minutes at 120 BPM, with two takes of bar 4."""
    engines = {"noise": ENGINES["noise"]}
    settings = settings_in(tmp_path_factory.mktemp("here"), engine="noise", engines=engines)
    band_song(settings.roots[0] / "band.wav", SONG_BARS)
    with ServerThread(settings) as server:
        with server.websocket() as daw:
            daw.render("repaint", source="band.wav", bars="4", bpm=120, takes=2, seed=1)
        yield server


@pytest.fixture
def server(two_takes):
    with two_takes.websocket("?client=daw") as daw:
        in_focus(two_takes)
        daw.call("select", start="4|1|0", end="5|1|0")
    return two_takes


@pytest.fixture
def panel(open_panel, server):
    """A page with the first take in hand, which remembers nothing of the test before."""
    found = open_panel()
    found.page.evaluate("localStorage.clear()")
    found.page.evaluate("sessionStorage.clear()")
    found.page.reload()
    found.ready().wait("v.place && v.takes.length === 2 && v.selected === v.takes[0].take")
    return found


def test_without_a_sound_card_takes_play_in_this_browser_for_this_panel_alone(panel, open_panel, server):
    page, other = panel.page, open_panel().ready()
    fetched = []
    page.on("request", lambda request: "/passages/" in request.url and fetched.append(request.url))
    expect(page.locator("#audition-state")).to_have_text("in this browser")
    panel.press(" ")
    panel.wait("v.audition.state === 'playing' && v.audition.take === v.takes[0].take")
    panel.wait("v.audition.start === x && v.audition.end === x * 6", BAR)
    expect(page.locator("#playhead")).to_be_visible()
    expect(page.locator("#play")).to_have_attribute("aria-label", "Stop")
    expect(page.locator("#audition-state")).to_contain_text("in this browser · ")
    expect(page.locator(".lane.audible")).to_have_count(1)
    place = page.locator("#playhead").evaluate("one => one.style.transform")
    page.wait_for_function("x => document.getElementById('playhead').style.transform !== x", arg=place)

    # Everything of both takes is there: switches wait for nothing.
    page.wait_for_function(
        "() => !panel.listening.browser.player.also.some(one => !panel.listening.browser.chunks.get(one.key))"
    )
    panel.wait("panel.listening.browser.passages.size === 2")
    there = len(fetched)
    seconds = sum(int(url.split("frames=")[1].split("&")[0]) for url in fetched) / 44100
    assert seconds < 10 + 2 * 2 + 4, "the passage and both takes, in whole chunks, of a song of two minutes"
    panel.press("a")
    panel.wait("v.audition.side === 'original' && v.audition.state === 'playing'")
    expect(page.locator("#sides button").first).to_have_attribute("aria-pressed", "true")
    panel.press("b", "ArrowDown")
    panel.wait(
        "v.audition.side === 'take' && v.audition.take === v.takes[1].take && v.selected === v.takes[1].take"
    )
    before = panel.value("audition")["position"]
    assert before > BAR, "at the same position, not from the start"
    panel.press("l", "m")
    panel.wait("!v.audition.loop && !v.audition.match && v.audition.state === 'playing'")
    panel.press("l", "m")
    page.mouse.click(panel.x(5 * BAR), panel.y())  # a click in the original during playback
    panel.wait("v.audition.position > x", 4.5 * BAR)
    assert len(fetched) == there
    assert panel.value("audition")["underruns"] == 0

    assert other.value("audition")["state"] == "stopped"
    assert other.page.locator("#playhead").is_hidden()
    with server.websocket() as daw:
        shown = daw.call("audition.show")
    assert (shown["state"], shown["loop"], shown["match"]) == ("stopped", True, True)
    page.get_by_role("button", name="Stop", exact=True).click()
    panel.wait("v.audition.state === 'stopped'")
    expect(page.locator("#playhead")).to_be_hidden()


def test_a_click_is_none_the_less_when_the_button_is_drawn_anew_before_it_is_let_go(panel, server):
    panel.press(" ")
    panel.wait("v.audition.state === 'playing'")
    panel.page.get_by_role("button", name="Stop", exact=True).hover()
    panel.page.mouse.down()
    panel.page.evaluate("panel.store.set({ audition: { ...panel.store.get('audition') } })")
    panel.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    panel.page.mouse.up()
    panel.wait("v.audition.state === 'stopped'")


def test_the_choice_is_remembered_and_bars_are_this_browsers_own(panel, server):
    page = panel.page
    panel.press("h")
    expect(page.get_by_role("button", name="here (this browser)")).to_be_focused()
    expect(page.locator("#device")).to_be_hidden()
    expect(page.locator("#follow")).to_be_hidden()
    page.fill("#bars-after", "0")
    panel.press("Tab")
    panel.wait("v.audition.after === 0")
    page.get_by_role("button", name="on the bridge's machine").click()
    panel.wait("v.place === 'bridge' && v.audition.after === 2")
    expect(page.locator("#device")).to_be_visible()
    expect(page.locator("#live")).to_have_text("Takes play on the bridge's machine.")
    page.reload()
    panel.ready().wait("v.place === 'bridge' && v.bridgeSilent")
    panel.press(" ")
    expect(page.locator(".notice")).to_contain_text("without sound")
    expect(page.locator(".notice .remedy")).to_contain_text("play in this browser")
    panel.press("h")
    page.get_by_role("button", name="here (this browser)").click()
    panel.wait("v.place === 'here' && v.audition.after === 0")
    panel.press("Escape", " ")
    panel.wait("v.audition.state === 'playing' && v.audition.end === x * 4", BAR)
    with server.websocket() as daw:
        assert daw.call("audition.show")["after"] == 2


def test_a_song_without_takes_plays_its_region(panel, server):
    page = panel.page
    page.click("#filter-here")
    with server.websocket("?client=daw") as daw:
        daw.call("select", start="10|1|0", end="12|1|0")
    panel.wait("v.focus.selection.start === x", 9 * BAR)
    page.evaluate("panel.store.set({ selected: null })")
    panel.press(" ")
    panel.wait(
        "v.audition.state === 'playing' && v.audition.start === x[0] && v.audition.end === x[1]",
        [9 * BAR, 11 * BAR],
    )
    assert panel.value("audition")["side"] == "original"
    panel.press("b")
    expect(page.locator(".notice")).to_contain_text("Only the song is playing, no take.")
    panel.press(" ")
    panel.wait("v.audition.state === 'stopped'")


def test_what_is_accepted_meanwhile_is_heard_at_once(panel, server):
    """The original is another one then: chunks under the old name are not mixed with those of the new one."""
    with server.websocket() as daw:
        replies = daw.render("repaint", source="band.wav", bars="5", bpm=120, seed=9)
    panel.wait("v.takes.length === 3")
    page = panel.page
    panel.press(" ")
    panel.wait("v.audition.state === 'playing'")
    sound = "panel.listening.browser.scene.passage.sides.find(one => one.side === 'original').sound"
    before = page.evaluate(sound)
    take = next(reply["take"] for reply in replies if reply.name == "take")
    with server.websocket() as daw:
        daw.call("takes.choose", take=take)
        panel.wait(f"v.audition.state === 'playing' && {sound} !== x", before)
        assert panel.value("audition")["position"] > BAR, "it plays on, from where it was"
        daw.call("takes.revert", take=take)
        panel.wait(f"v.audition.state === 'playing' && {sound} === x", before)
        panel.press(" ")
        daw.call("takes.delete", take=take)


def test_renders_play_here_by_themselves_when_that_is_wanted(panel, server):
    page = panel.page
    panel.press("h")
    page.check("#auto")
    panel.press("Escape")
    page.fill("#f-takes", "1")
    page.evaluate("document.activeElement.blur()")
    panel.press("r")
    panel.wait(
        "v.audition.state === 'playing' && v.takes.length === 3 && v.audition.take === v.takes[0].take"
    )
    panel.press(" ")
    panel.wait("v.audition.state === 'stopped'")
    panel.away = True  # what was on its way has gone
    with server.websocket() as daw:
        daw.call("takes.delete", take=panel.value("takes")[0]["take"])


def test_trouble_is_told_in_words(panel, server):
    page = panel.page
    panel.away = True  # the browser's own words about failed requests
    page.route("**/passages/**", lambda route: route.abort())
    panel.press(" ")
    expect(page.locator("#audition-state")).to_contain_text("Playback stopped. The bridge cannot be reached.")
    expect(page.locator("#audition-state")).to_have_class("message bad")
    expect(page.locator("#live")).to_contain_text("cannot be reached")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")
    assert low_contrasts(page) == []
    page.unroute("**/passages/**")
    page.route("**/passages/**", lambda route: route.fulfill(body=b"no audio at all"))
    panel.press(" ")
    expect(page.locator("#audition-state")).to_contain_text("The bridge did not send audio.")
    page.unroute("**/passages/**")
    panel.press(" ")
    panel.wait("v.audition.state === 'playing' && v.audition.message === ''")
    panel.press(" ")
    page.evaluate(
        """() => {
            AudioContext = class { constructor() { throw new Error("no"); } };
            panel.listening.browser.player.context = null;
        }"""
    )
    panel.press(" ")
    expect(page.locator(".notice.error")).to_contain_text("This browser cannot play audio at 44.1 kHz.")
    expect(page.locator(".notice.error .remedy")).to_contain_text("bridge's machine")


def test_a_browser_that_wants_a_gesture_first_is_obeyed(panel):
    page = panel.page
    page.evaluate(
        """() => {
            const { resume } = AudioContext.prototype;
            window.allowed = false;
            AudioContext.prototype.resume = function () { return window.allowed ? resume.call(this) : this.suspend(); };
            const Real = AudioContext;
            window.AudioContext = class extends Real { constructor(given) { super(given); this.suspend(); } };
        }"""
    )
    panel.press(" ")
    expect(page.locator("#audition-state")).to_contain_text("allows sound only after a click or touch")
    page.evaluate("window.allowed = true")
    page.locator("#overview").click()
    expect(page.locator("#audition-state")).to_contain_text("in this browser")
    panel.wait("v.audition.position > x", BAR + 20000)


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_the_new_states_can_be_read_named_and_hit(panel, width):
    page = panel.page
    page.set_viewport_size({"width": width, "height": 860})
    panel.press(" ")
    panel.wait("v.audition.state === 'playing'")
    panel.press("h")
    expect(page.locator("#hearing")).to_be_in_viewport(ratio=1)
    assert (low_contrasts(page), nameless(page), too_small(page)) == ([], [], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panel.press("Escape", " ")
