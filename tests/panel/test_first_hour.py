"""A musician's first hour, from an own MP3 to the finished song: with a mouse, by keys alone, and on a small screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.bridge_server.first_hour import BPM, LEAD_IN, RATE, check_finished, own_song
from tests.bridge_server.peers import ServerThread
from tests.panel.hands import Finger, Keys, Mouse
from tests.panel.servers import panel_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path):
    """A server nobody has used."""
    with ServerThread(panel_settings(tmp_path / "hour", engine="sketch")) as server:
        yield server


@pytest.mark.parametrize(
    ("hand", "width", "seed"),
    [
        pytest.param(Mouse(), 1400, 1, id="with a mouse"),
        pytest.param(Keys(), 1400, 2, id="by keys alone"),
        pytest.param(Finger(), 400, 3, id="with a finger, at 400 pixels"),
    ],
)
def test_from_an_own_mp3_to_the_finished_song(open_panel, tmp_path, hand, width, seed):
    path = own_song(tmp_path / f"my demo {seed}.mp3", seed)
    panel = open_panel(width=width, height=860)
    page = panel.page
    hand.choose_file(page.get_by_role("button", name="Choose a file …"), path)
    panel.ready()
    give_it_a_tempo(panel, hand)
    takes = repaint(panel, hand, (2, 3), (5, 5), (7, 7), takes=2)
    hear(panel, hand, takes[0])
    choose(panel, hand, takes)
    check_finished(save(panel, hand, tmp_path), path, panel.bar(2), panel.bar(3), panel.bar(4))


def give_it_a_tempo(panel, hand):
    """The page asks before the first region; the tempo is found, accepted, and bar 1 moved by a bar."""
    page = panel.page
    expect(page.locator("#facts")).to_contain_text("tempo not set")
    hand.press(page.locator("#facts-button"))
    hand.press(page.locator("#tempo-find"))
    expect(page.locator("#tempo-found")).to_contain_text("Found: 121 BPM", timeout=120_000)
    hand.press(page.locator("#tempo-accept"))
    expect(page.locator("#facts")).to_contain_text("121 BPM")
    before = panel.bar(1)
    for _ in range(4):
        shown = page.locator("#tempo-found").inner_text()
        hand.press(page.get_by_role("button", name="A beat later"))
        expect(page.locator("#tempo-found")).not_to_have_text(shown)
    panel.press("Escape")
    panel.wait(f"v.grid.bars[v.grid.numbers.indexOf(1)] > {before} + {RATE}")
    assert panel.bar(1) / RATE == pytest.approx(LEAD_IN + 4 * 60 / BPM, abs=0.06), "an encoder's delay aside"


def repaint(panel, hand, *regions, takes):
    """New takes of each region, asked for with one button; their ids, region by region."""
    page = panel.page
    expect(page.locator("#f-takes")).to_have_value(str(takes))
    for at, (first_bar, last_bar) in enumerate(regions):
        if at:
            hand.mark(panel)
        hand.select(panel, first_bar, last_bar)
    expect(page.locator("#submit")).to_contain_text(f"Repaint {len(regions)} regions")
    hand.press(page.locator("#submit"))
    panel.wait("v.takes.length === x", len(regions) * takes)
    made = sorted(panel.value("takes"), key=lambda take: (take["position"], take["number"]))
    assert [take["position"] for take in made] == [
        panel.bar(first_bar) for first_bar, _ in regions for _ in range(takes)
    ]
    return [take["take"] for take in made]


def hear(panel, hand, take):
    """A take in its song, then the original, in this browser."""
    page = panel.page
    hand.take(panel, take)
    panel.wait("v.place === 'here'")
    hand.press(page.locator("#play"))
    panel.wait("v.audition.state === 'playing' && v.audition.take === x && v.audition.side === 'take'", take)
    position = panel.value("audition")["position"]
    panel.wait("v.audition.position > x", position)
    hand.press(page.locator("#sides button").first)
    panel.wait("v.audition.side === 'original' && v.audition.state === 'playing'")
    hand.press(page.locator("#play"))
    panel.wait("v.audition.state === 'stopped'")


def choose(panel, hand, takes):
    """Two takes comped, the first named, one of another region accepted and undone, the last deleted."""
    page = panel.page
    first, second, third, *_, last = takes
    hand.take(panel, first)
    hand.press(page.locator("#accept"))
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", first)
    hand.press(page.locator("#rename"))
    page.keyboard.type("Brighter chorus")
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.name === 'Brighter chorus')", first)
    hand.select(panel, 3, 3)
    hand.take(panel, second)
    hand.press(page.locator("#accept-part"))
    panel.wait("v.takes.some(take => take.take === x && take.parts?.length)", second)
    hand.take(panel, third)
    hand.press(page.locator("#accept"))
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", third)
    page.evaluate("document.activeElement.blur()")
    panel.press("Control+z")
    panel.wait("!v.takes.some(take => take.take === x && take.chosen)", third)
    hand.take(panel, last)
    hand.press(page.get_by_role("button", name="Delete this take", exact=True))
    hand.press(page.get_by_role("button", name="Delete for good"))
    panel.wait("!v.takes.some(take => take.take === x)", last)


def save(panel, hand, folder):
    with panel.page.expect_download() as download:
        hand.press(panel.page.get_by_role("button", name="Save the song"))
    expect(panel.page.locator("#notices")).to_contain_text("outside bit-identical")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path
