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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sound_card.missing()), reason=f"SKIPPED: {sound_card.missing()}"),
]

BAR = 96000  # 4/4 at 120 BPM


@pytest.fixture
def rig(tmp_path) -> Iterator[RigServer]:
    server = RigServer(tmp_path / "rig")
    band_song(server.songs / "band.wav", 8, 48000)
    with server.websocket() as daw:
        daw.call("tempo", bpm=120)
        daw.call("source", source="band.wav")
        daw.call("select", start="4|1|0", end="5|1|0")
    yield server
    server.close()


def test_two_takes_are_heard_against_the_original(rig, open_panel):
    panel = open_panel(at=f"http://127.0.0.1:{rig.port}").ready()
    page = panel.page
    panel.press("r")
    panel.wait("v.takes.length === 2 && v.selected === v.takes[0].take")
    page.select_option("#device", label="card, ALSA")
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
    expect(page.locator(".lane.heard")).to_have_count(1)
    panel.press("a")
    panel.wait("v.audition.side === 'original'")
    expect(page.locator("#sides button").first).to_have_attribute("aria-pressed", "true")
    panel.press("b")
    panel.wait("v.audition.side === 'take'")
    panel.press("ArrowDown")
    panel.wait("v.audition.take === v.takes[1].take && v.selected === v.takes[1].take")
    panel.wait(
        "v.audition.position > x", 4.6 * BAR
    )  # inside the second take's second half, or in the bars after it
    page.get_by_role("button", name="Stop", exact=True).click()
    panel.wait("v.audition.state === 'stopped'")
    expect(page.locator("#playhead")).to_be_hidden()
    heard = rig.played()
    take = panel.value("takes")[1]
    with rig.websocket() as peer:
        clip, _ = soundfile.read(peer.call("takes.show", take=take["take"])["path"], dtype="float32")
    song, _ = soundfile.read(rig.songs / "band.wav", dtype="float32")
    assert contains(heard, song[1 * BAR + 4000 : 1 * BAR + 8000]), "the bars before the take, bit for bit"
    assert contains(heard, clip[-BAR // 2 : -BAR // 2 + 2000]), (
        "the second take, where it was chosen, bit for bit"
    )


def contains(heard: np.ndarray, piece: np.ndarray) -> bool:
    """Whether these very frames stand somewhere in what was heard."""
    starts = np.flatnonzero((heard[: len(heard) - len(piece)] == piece[0]).all(axis=1))
    return any(np.array_equal(heard[at : at + len(piece)], piece) for at in starts)
