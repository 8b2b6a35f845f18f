"""Comping, undo over everything accepted, and the finished song, in Chromium."""

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.bridge_server.held_exports import hold_exports
from tests.panel.accessibility import low_contrasts, nameless, too_small


@pytest.fixture
def endless(monkeypatch):
    """Exports do not get past their first check until they are cancelled."""
    return hold_exports(monkeypatch)


@pytest.fixture
def takes(server):
    """Ids of two takes of bars 2 to 5; the song has nothing accepted."""
    with server.websocket() as peer:
        replies = peer.render("repaint", source="band.wav", bars="2-5", bpm=120, engine="noise", takes=2)
        found = [reply["take"] for reply in replies if reply.name == "take"]
        yield found
        for take in found:
            peer.call("takes.delete", take=take)


def ready(open_panel, takes, **size):
    panel = open_panel(**size).ready()
    panel.wait("x.every(id => v.takes.some(take => take.take === id))", takes)
    panel.page.evaluate("id => panel.store.set({selected: id})", takes[0])
    return panel


def parts(panel, take):
    """(chosen, parts) of a take, as the page has it."""
    (found,) = [entry for entry in panel.value("takes") if entry["take"] == take]
    return found["chosen"], found.get("parts", [])


def test_a_comp_of_two_takes_is_undone_redone_and_saved(open_panel, server, takes, tmp_path):
    first, second = takes
    panel = ready(open_panel, takes)
    page = panel.page
    save = page.get_by_role("button", name="Save the song")
    expect(save).to_be_disabled()
    expect(page.locator("#accept-part")).to_be_hidden()
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", first)
    expect(save).to_be_enabled()
    chosen = panel.select(3, 3)
    page.evaluate("id => panel.store.set({selected: id})", second)
    expect(page.locator("#accept-part")).to_be_visible()
    assert "bar 3" in page.locator("#accept-part").get_attribute("title")
    page.click("#accept-part")
    panel.wait("v.takes.some(take => take.take === x && take.parts?.length)", second)
    assert parts(panel, second) == (True, [[chosen["start"], chosen["end"]]])
    expect(page.locator(f".lane[data-take={second}] .badge")).to_have_text("in part")
    expect(page.locator("#accept-part")).to_be_hidden()
    expect(page.locator("#accept")).to_have_text("Accept")

    page.fill("#f-prompt", "typed")
    page.keyboard.press("Control+z")  # the field's own undo
    page.evaluate("document.activeElement.blur()")
    assert parts(panel, second)[0]
    page.keyboard.press("Control+z")
    panel.wait("!v.takes.some(take => take.take === x && take.chosen)", second)
    assert parts(panel, first) == (True, [])
    page.keyboard.press("Control+z")
    panel.wait("!v.takes.some(take => take.chosen)")
    expect(save).to_be_disabled()
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+Z")
    panel.wait("v.takes.filter(take => take.chosen).length === 2")

    with page.expect_download() as waiting:
        save.click()
    assert waiting.value.suggested_filename.startswith("band.mix")
    waiting.value.save_as(tmp_path / "song.wav")
    samples, rate = soundfile.read(tmp_path / "song.wav", dtype="float32")
    original, _ = soundfile.read(server.settings.roots[0] / "band.wav", dtype="float32")
    start, end = panel.bar(2), panel.bar(6)
    assert rate == 44_100
    assert np.array_equal(samples[:start], original[:start])
    assert np.array_equal(samples[end:], original[end:])
    assert not np.array_equal(samples[start:end], original[start:end])
    expect(page.locator("#notices")).to_contain_text("Saved with 1 accepted region, outside bit-identical")


def test_a_part_is_accepted_by_keys_alone(open_panel, takes):
    panel = ready(open_panel, takes)
    page = panel.page
    panel.press("Shift+Enter")
    expect(page.locator("#notices")).to_contain_text("not a part of this take")
    panel.select(2, 2)
    panel.press("Shift+Enter")
    panel.wait("v.takes.some(take => take.take === x && take.parts?.length)", takes[0])
    panel.press("Backspace")
    panel.wait("!v.takes.some(take => take.chosen)")


def test_the_finished_song_in_either_format_from_the_card(open_panel, takes):
    panel = ready(open_panel, takes)
    page = panel.page
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", takes[0])
    page.click("#take summary >> text=Export as a project")
    page.wait_for_selector("#x-format")
    page.select_option("#x-format", "mix-flac")
    assert page.input_value("#x-what") == "song"
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.locator(".exported code")).to_contain_text(".flac")
    expect(page.locator(".exported")).to_contain_text("bit-identical")


def test_the_ledger_is_written_and_saved(open_panel, takes):
    panel = ready(open_panel, takes)
    page = panel.page
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", takes[0])
    page.click("#take summary >> text=Export as a project")
    page.select_option("#x-format", "ledger")
    assert page.input_value("#x-what") == "song"
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the page").click()
    text = saved.value.path().read_text("utf-8")
    assert takes[0] in text
    assert "panel, " in text  # who chose it


@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_is_wrong_with_a_comp_on_the_page(open_panel, server, takes, width):
    with server.websocket() as peer:
        peer.call("takes.choose", take=takes[0])
        peer.call("takes.choose", take=takes[1], start="4s", end="6s")
        peer.call("select", start="2s", end="4s")
    panel = ready(open_panel, takes, width=width)
    panel.page.evaluate("id => panel.store.set({selected: id})", takes[1])
    expect(panel.page.locator("#accept-part")).to_be_visible()
    for tool in ("save-song", "zoom-all"):
        box = panel.page.locator(f"#{tool}").bounding_box()
        assert box["x"] + box["width"] <= width
    assert [check(panel.page) for check in (low_contrasts, nameless, too_small)] == [[], [], []]
    with server.websocket() as peer:
        peer.call("select", start=0, end=1)


def test_saving_that_lasts_is_cancelled(open_panel, server, takes, endless):
    panel = ready(open_panel, takes)
    page = panel.page
    panel.press("Enter")
    panel.wait("v.takes.some(take => take.take === x && take.chosen)", takes[0])
    before = sorted((server.settings.store / "exports").rglob("*"))
    page.get_by_role("button", name="Save the song").click()
    page.get_by_role("button", name="Cancel saving").click()
    expect(page.locator("#notices")).to_contain_text("The export was cancelled; no file was written.")
    expect(page.get_by_role("button", name="Save the song")).to_be_enabled()
    assert sorted((server.settings.store / "exports").rglob("*")) == before


def test_an_export_from_the_card_is_cancelled(open_panel, takes, endless):
    page = ready(open_panel, takes).page
    page.click("#take summary >> text=Export as a project")
    page.wait_for_selector("#x-format")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="Cancel the export").click()
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_enabled()
    expect(page.locator("#notices")).to_contain_text("no file was written")
    expect(page.locator(".exported")).to_be_empty()
