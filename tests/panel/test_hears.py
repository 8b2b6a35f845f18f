"""What a render hears, chosen beside the button, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.panel.accessibility import low_contrasts, nameless

pytestmark = pytest.mark.slow
CHOICE = "[data-field=hears]"


@pytest.fixture
def take(server):
    """Id of a take of bars 2 and 3; nothing is accepted."""
    with server.websocket() as peer:
        replies = peer.render("repaint", source="band.wav", bars="2-3", bpm=120, engine="noise")
        (found,) = [reply["take"] for reply in replies if reply.name == "take"]
        yield found
        peer.call("takes.delete", take=found)


def rendered(panel):
    """The take that the button gives, as the page has it."""
    before = [entry["take"] for entry in panel.value("takes")]
    panel.choose_engine("noise")
    panel.page.fill("#f-takes", "1")
    panel.page.click("#submit")
    panel.wait("v.takes.some(take => !x.includes(take.take))", before)
    (made,) = [entry for entry in panel.value("takes") if entry["take"] not in before]
    return made


def test_the_choice_is_there_when_something_is_accepted_and_the_take_says_what_it_heard(
    open_panel, server, take
):
    panel = open_panel().ready()
    page = panel.page
    panel.select(3, 4)
    expect(page.locator(CHOICE)).to_be_hidden()
    with server.websocket() as peer:
        peer.call("takes.choose", take=take)
        expect(page.locator(CHOICE)).to_be_visible()
        expect(page.locator("#f-hears")).to_have_value("accepted")
        assert low_contrasts(page) == []
        assert nameless(page) == []
        panel.select(2, 3)  # what is accepted there is what the new take is an alternative to
        expect(page.locator(CHOICE)).to_be_hidden()
        panel.select(3, 4)
        made = rendered(panel)
        assert made["heard"] == [take]
        page.evaluate("id => panel.store.set({selected: id})", made["take"])
        expect(page.locator("#made-for")).to_contain_text("Made for the song with an accepted take in it.")
        peer.call("takes.mark", take=take, name="Chorus, darker")
        page.evaluate("id => panel.store.set({selected: id})", take)
        page.evaluate("id => panel.store.set({selected: id})", made["take"])
        expect(page.locator("#made-for")).to_contain_text("Made for the song with “Chorus, darker” in it.")
        peer.call("takes.revert", take=take)
        expect(page.locator("#made-for")).to_contain_text("no longer accepted")
        expect(page.locator(CHOICE)).to_be_hidden()


def test_the_choice_is_there_when_only_a_stem_was_changed(open_panel, server):
    panel = open_panel().ready()
    panel.select(3, 4)
    with server.websocket() as peer:
        replies = peer.render(
            "extract", source="band.wav", bars="2-3", bpm=120, stems="drums", engine="sketch"
        )
        drums = next(reply["take"] for reply in replies if reply.values.get("stem") == "drums")
        peer.call("takes.choose", take=drums)
        panel.wait("v.takes.some(take => take.take === x && take.chosen)", drums)
        expect(panel.page.locator(CHOICE)).to_be_hidden()  # stems alone leave the song as it is
        replies = peer.render("repaint", source=f"take:{drums}", start=88_200, end=132_300, engine="noise")
        beaten = next(reply["take"] for reply in replies if reply.name == "take")
        peer.call("takes.choose", take=beaten)
        peer.call("source", source="band.wav")  # who repaints a stem looks at it
        panel.wait("v.focus.song.title === 'band' && v.takesOf === v.focus.song.digest")
        panel.select(3, 4)
        expect(panel.page.locator(CHOICE)).to_be_visible()
        panel.select(2, 3)  # around it: changed stems are part of what is repainted
        expect(panel.page.locator(CHOICE)).to_be_visible()
        assert rendered(panel)["heard"] == [beaten]
        peer.call("takes.revert", take=beaten)
        expect(panel.page.locator(CHOICE)).to_be_hidden()
        peer.call("takes.revert", take=drums)


def test_the_original_is_heard_where_it_is_chosen(open_panel, server, take):
    with server.websocket() as peer:
        peer.call("takes.choose", take=take)
    panel = open_panel().ready()
    panel.select(3, 4)
    panel.page.select_option("#f-hears", "original")
    assert "heard" not in rendered(panel)
