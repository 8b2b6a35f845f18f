"""Hearing takes from the page: through a sound card that keeps what it played."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.bridge_server.audition import sound_card
from tests.bridge_server.audition.rig_server import RigServer
from tests.bridge_server.peers import band_song
from tests.panel.accessibility import low_contrasts, nameless, too_small

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sound_card.missing()), reason=f"SKIPPED: {sound_card.missing()}"),
]

BAR = 96000  # 4/4 at 120 BPM


@pytest.fixture
def rig(tmp_path, monkeypatch) -> Iterator[RigServer]:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "there-is-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    server = RigServer(tmp_path / "rig")
    band_song(server.songs / "band.wav", 8, 48000)
    with server.websocket() as daw:
        daw.call("tempo", bpm=120)
        daw.call("source", source="band.wav")
        daw.call("select", start="4|1|0", end="5|1|0")
    yield server
    server.close()


def test_two_takes_are_compared_with_the_original(rig, open_panel):
    panel = open_panel(at=f"http://127.0.0.1:{rig.port}").ready()
    page = panel.page
    panel.press("r")
    panel.wait("v.takes.length === 2 && v.selected === v.takes[0].take")
    panel.press("h")
    page.select_option("#device", label="card, ALSA")
    panel.press("Escape")
    if panel.value("audition")["match"]:
        panel.press("m")
        panel.wait("v.audition.match === false")
    panel.press(" ")
    panel.wait("v.audition.state === 'playing' && v.audition.take === v.takes[0].take")
    expect(page.locator("#playhead")).to_be_visible()
    place = page.locator("#playhead").evaluate("one => one.style.transform")
    page.wait_for_function(
        "place => document.getElementById('playhead').style.transform !== place", arg=place
    )
    expect(page.locator(".lane.audible")).to_have_count(1)
    panel.press("a")
    panel.wait("v.audition.side === 'original'")
    expect(page.locator("#sides button").first).to_have_attribute("aria-pressed", "true")
    panel.press("b")
    panel.wait("v.audition.side === 'take'")
    panel.press("ArrowDown")
    panel.wait("v.audition.take === v.takes[1].take && v.selected === v.takes[1].take")
    panel.wait("v.audition.position < x", 3.2 * BAR)  # this round, or the next on a slow machine
    panel.wait("v.audition.position > x", 4.6 * BAR)  # then the second take's second half has played
    expect(page.locator("#audition-state")).to_contain_text("0 underruns")
    page.get_by_role("button", name="Stop", exact=True).click()
    panel.wait("v.audition.state === 'stopped'")
    expect(page.locator("#playhead")).to_be_hidden()
    received = rig.played()
    panel.press("a")  # while nothing plays it begins with that side
    panel.wait("v.audition.state === 'playing' && v.audition.side === 'original'")
    panel.press(" ")
    panel.wait("v.audition.state === 'stopped'")
    take = panel.value("takes")[1]
    with rig.websocket() as peer:
        clip, _ = soundfile.read(peer.call("takes.show", take=take["take"])["path"], dtype="float32")
    song, _ = soundfile.read(rig.songs / "band.wav", dtype="float32")
    assert contains(received, song[1 * BAR + 4000 : 1 * BAR + 8000]), "the bars before the take, bit for bit"
    assert contains(received, clip[-BAR // 2 : -BAR // 2 + 2000]), (
        "the second take, where it was chosen, bit for bit"
    )


def test_audition_settings_are_the_same_in_all_panels(rig, open_panel):
    """Device, bars, transport and renders by themselves: with the keys, wide and narrow, kept by the server."""
    address = f"http://127.0.0.1:{rig.port}"
    wide, narrow = open_panel(at=address).ready(), open_panel(at=address, width=400, height=800).ready()
    wide.press("r")
    wide.wait("v.takes.length === 2 && v.selected === v.takes[0].take")
    wide.press("h")
    expect(wide.page.get_by_role("dialog", name="Audition settings")).to_be_visible()
    expect(wide.page.get_by_role("button", name="on the bridge's machine")).to_be_focused()
    narrow.page.get_by_role("button", name="Audition settings").click()
    expect(narrow.page.locator("#hearing")).to_be_in_viewport(ratio=1)

    wide.page.select_option("#device", label="card, ALSA")
    expect(narrow.page.locator("#device")).to_have_value("card, ALSA")
    wide.page.get_by_role("button", name="Pre-roll, bars: one more").click()
    expect(narrow.page.locator("#bars-before")).to_have_value("3")
    narrow.page.fill("#bars-after", "0")
    narrow.press("Tab")
    expect(wide.page.locator("#bars-after")).to_have_value("0")
    narrow.page.check("#auto")
    expect(wide.page.locator("#auto")).to_be_checked()
    narrow.page.uncheck("#auto")
    expect(wide.page.locator("#auto")).not_to_be_checked()
    wide.page.select_option("#follow", "osc")
    expect(narrow.page.locator("#follow")).to_have_value("osc")
    expect(narrow.page.locator("#audition-state")).to_contain_text("in sync with the DAW")
    for panel in (wide, narrow):
        assert low_contrasts(panel.page) == []
        assert nameless(panel.page) == []
        assert too_small(panel.page) == []

    wide.page.select_option("#follow", "jack")
    expect(wide.page.locator(".notice.error .remedy")).not_to_be_empty()
    expect(wide.page.locator("#follow")).to_have_value(
        "osc"
    )  # what was refused is not shown as if it were so

    narrow.page.reload()
    narrow.ready().press("h")
    for field, value in (
        ("device", "card, ALSA"),
        ("bars-before", "3"),
        ("bars-after", "0"),
        ("follow", "osc"),
    ):
        expect(narrow.page.locator(f"#{field}")).to_have_value(value)
    narrow.page.locator("#overview").click()  # beside it
    expect(narrow.page.locator("#hearing")).to_be_hidden()

    wide.page.focus("#follow")
    wide.press("Escape", " ")  # the space is no press of the button that opens it
    expect(wide.page.locator("#hearing")).to_be_hidden()
    wide.wait("v.audition.state === 'waiting'")
    expect(wide.page.locator("#audition-state")).to_contain_text("waiting for the transport")
    with rig.websocket() as daw:
        daw.call("transport", position=2 * BAR, rolling=True)
        wide.wait("v.audition.state === 'playing'")
        daw.call("transport", position=2 * BAR, rolling=False)
    wide.press("h")
    wide.page.select_option("#follow", "none")
    wide.wait("v.audition.state === 'playing' && v.audition.start === 0 && v.audition.end === x", 4 * BAR)


def test_nothing_rolls_on_the_page_when_the_server_has_gone(rig, open_panel):
    panel = open_panel(at=f"http://127.0.0.1:{rig.port}").ready()
    panel.press(" ")
    panel.wait("v.audition.state === 'playing'")
    expect(panel.page.locator("#playhead")).to_be_visible()
    panel.away = True
    rig.close()
    expect(panel.page.locator("#playhead")).to_be_hidden()
    expect(panel.page.locator("#play")).to_have_attribute("aria-label", "Play")


def test_a_key_pressed_before_the_panel_knows_where_takes_play_is_carried_out(rig, open_panel):
    panel = open_panel(at=f"http://127.0.0.1:{rig.port}").ready()
    panel.page.evaluate(
        "panel.store.set({ audition: null, place: null, bridgeAudition: null, bridgeSilent: null })"
    )
    panel.press(" ")
    panel.wait("v.audition?.state === 'playing'")
    expect(panel.page.locator("#notices .notice")).to_have_count(0)


def contains(received: np.ndarray, piece: np.ndarray) -> bool:
    """Whether these very frames stand somewhere in what was played."""
    starts = np.flatnonzero((received[: len(received) - len(piece)] == piece[0]).all(axis=1))
    return any(np.array_equal(received[at : at + len(piece)], piece) for at in starts)
