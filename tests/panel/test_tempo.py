"""A song whose tempo nobody knows: the page asks before the first region, finds it, and keeps what is accepted."""

from __future__ import annotations

import pytest
import soundfile
from playwright.sync_api import expect

from tests.bridge_server.peers import ServerThread
from tests.model.sketch.survey.rhythm_songs import RATE, make, steady
from tests.panel.accessibility import low_contrasts, nameless
from tests.panel.servers import panel_settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unknown(tmp_path_factory):
    """A server with `bounce.wav`: 121 BPM, bar 1 after 0.7 s; nobody has said so."""
    settings = panel_settings(tmp_path_factory.mktemp("tempo"), engine="sketch")
    soundfile.write(settings.roots[0] / "bounce.wav", make(steady(121.0, 10), lead_in=0.7).song.samples, RATE)
    with ServerThread(settings) as server:
        with server.websocket() as peer:
            peer.call("source", source="bounce.wav")
        yield server


def test_the_page_asks_finds_and_keeps(open_panel, unknown):
    panel = open_panel(of=unknown).ready()
    page = panel.page
    expect(page.locator("#facts")).to_contain_text("tempo not set")
    panel.press("ArrowRight")
    expect(page.locator("#facts-dialog")).to_be_visible()
    expect(page.locator("#tempo-find")).to_be_focused()
    panel.wait("v.dragged === null")  # it asked instead: no region is shown that nobody else has
    assert low_contrasts(page) == []
    assert nameless(page) == []
    page.keyboard.press("Enter")
    expect(page.locator("#tempo-found")).to_contain_text("Found: 121 BPM", timeout=120_000)
    expect(page.locator("#tempo-found")).to_contain_text("4/4, bar 1 at 0:00.70")
    page.click("#tempo-accept")
    expect(page.locator("#tempo-found")).to_contain_text("Kept with the song: 121 BPM")
    expect(page.locator("#facts")).to_contain_text("121 BPM")
    expect(page.locator("#fact-bpm")).to_have_value("121")
    expect(page.locator("#fact-meter")).to_have_value("4/4")
    page.click("#tempo-edits >> text=Halve")
    expect(page.locator("#facts")).to_contain_text("60.5 BPM")
    expect(page.locator("#fact-bpm")).to_have_value("60.5")
    page.click("#tempo-edits >> text=Double")
    page.click("#tempo-edits >> text=A beat later")
    expect(page.locator("#tempo-found")).to_contain_text("bar 1 at 0:01.19")
    page.click("#tempo-edits >> text=A beat earlier")
    expect(page.locator("#tempo-found")).to_contain_text("bar 1 at 0:00.70")
    bar_one = panel.bar(1)
    page.get_by_role("button", name="Apply").click()  # nothing was typed, so nothing changes
    expect(page.locator("#facts-dialog")).to_be_hidden()
    assert panel.bar(1) == bar_one
    panel.press("ArrowRight")  # asked once; bars are known now
    panel.wait("v.focus.selection !== null")
    expect(page.locator("#facts-dialog")).to_be_hidden()


def test_taps_are_beats_a_minute(open_panel):
    page = open_panel().ready().page
    found = page.evaluate(
        """async () => {
            const { tapped } = await import("./panel/tempo.js");
            return [tapped([0, 500, 1000]), tapped([0, 500, 1000, 1500]), tapped([0, 480, 1000, 1500, 3000])];
        }"""
    )
    assert found == [None, 120, 120]


def test_taps_while_the_song_plays_place_bar_1_at_the_first(open_panel):
    panel = open_panel().ready()
    page = panel.page
    panel.wait("v.place")
    found = page.evaluate(
        """async () => {
            const { onBeats } = await import("./panel/tempo.js");
            const song = { position: 1000, rate: 1000 };
            return [onBeats([1500, 2000, 2500, 3010], song), onBeats([1500, 2000, 2500], song),
                onBeats([1500, 2000, null, 3000], song), onBeats([1500, 2000, 1700, 2200], song)];
        }"""
    )
    assert found == ["0.5000 1.0000 1.5000 2.0100", None, None, None]
    page.evaluate(
        """() => {
            panel.bridge.songTempo = async (values) => { globalThis.sent = values; };
            const rate = panel.store.get("focus").song.rate;
            const hereAudition = { state: "playing", here: true, position: rate };
            panel.store.set({ chosenPlace: "here", hereAudition, hereAuditionAt: performance.now() });
        }"""
    )
    page.click("#facts-button")
    for _ in range(4):
        page.click("#tempo-tap")
    page.wait_for_function("() => globalThis.sent")
    taps = [float(tap) for tap in page.evaluate("() => sent.taps").split()]
    assert len(taps) == 4
    assert 1.0 <= taps[0] < taps[-1]
