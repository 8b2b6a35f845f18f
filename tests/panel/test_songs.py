"""Choosing a song: uploads are found again under their names, and files of one name are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.bridge_server.peers import band_song, noise_song
from tests.panel.accessibility import nameless

pytestmark = pytest.mark.slow

DROP = """([name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], name));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_a_dropped_song_keeps_its_name_and_is_found_again_after_a_reload(open_panel, server, tmp_path):
    panel = open_panel().ready()
    page = panel.page
    page.evaluate(DROP, ["Mein Lied.wav", list(noise_song(tmp_path / "x.wav", frames=4800).read_bytes())])
    expect(page.locator("#song-title")).to_have_text("Mein Lied")
    page.reload()
    panel.ready()
    expect(page.locator("#song-title")).to_have_text("Mein Lied")
    page.click("#song-button")
    recent = page.get_by_role("region", name="Recent uploads")
    expect(recent.locator("li")).to_contain_text("Mein Lied.wav")
    expect(recent.locator("button")).to_have_attribute("aria-current", "true")
    page.get_by_role("region", name="In the server's folders").get_by_role("button", name="band").click()
    expect(page.locator("#song-title")).to_have_text("band")


def test_a_file_that_is_refused_is_not_uploading_any_more(open_panel, server):
    """Whatever a notice says, at no moment does another one say that the file is still on its way."""
    page = open_panel().ready().page
    page.evaluate("""() => {
        window.both = 0;
        new MutationObserver(() => {
            const text = document.getElementById("notices").textContent;
            window.both += text.includes("is not a sound file") && /Uploading|Reading/.test(text);
        }).observe(document.getElementById("notices"), { childList: true, subtree: true });
    }""")
    page.evaluate(DROP, ["no sound.wav", list(b"nothing of the kind" * 100)])
    expect(page.locator(".notice.error")).to_contain_text("is not a sound file")
    assert page.evaluate("window.both") == 0
    expect(page.locator("#song-title")).to_have_text("band")


def test_songs_of_one_name_show_their_folders_and_can_be_found_by_them(open_panel, server, songs):
    (songs / "live").mkdir()
    band_song(songs / "live" / "band.wav")
    panel = open_panel().ready()
    page = panel.page
    page.click("#song-button")
    rows = page.get_by_role("region", name="In the server's folders").locator("li")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("songs/live")  # the newest first
    page.fill("#song-dialog input", "live")
    expect(rows).to_have_count(1)
    page.fill("#song-dialog input", "nowhere")
    expect(page.locator("#song-dialog")).to_contain_text("contains “nowhere”")


LONG = "A working title that somebody typed into the tag and never shortened again, alternate ending"
HEBREW = "\u05e9\u05d9\u05e8 \u05d4\u05dc\u05d9\u05dc\u05d4"


def tagged(path, title, artist):
    with soundfile.SoundFile(path, "w", 48_000, 2) as file:
        file.title, file.artist = title, artist
        file.write(np.zeros((4800, 2)))


@pytest.mark.parametrize("width", [1400, 820, 400])
def test_a_song_is_called_by_its_tags_and_found_by_them_and_by_its_file(open_panel, server, songs, width):
    tagged(songs / "bounce 7.flac", LONG, "Ich")
    tagged(songs / "bounce 8.flac", HEBREW, HEBREW)
    panel = open_panel(width=width).ready()
    page = panel.page
    expect(page.locator("#song-artist")).to_have_text("")  # band.wav has no tags
    page.click("#song-button")
    rows = page.get_by_role("region", name="In the server's folders").locator("li")
    expect(rows.filter(has_text="bounce 7.flac")).to_have_count(1)
    for words, names in (("BOUNCE 7", [LONG]), ("shortened", [LONG]), (HEBREW, [HEBREW]), ("band", ["band"])):
        page.fill("#song-dialog input", words)
        assert sorted(set(rows.locator(".title").all_inner_texts())) == names
    page.fill("#song-dialog input", "bounce 7.flac")
    expect(rows.locator(".artist")).to_be_in_viewport(ratio=1)
    rows.locator("button").click()
    expect(page.locator("#song-title")).to_have_text(LONG)
    expect(page.locator("#song-artist")).to_be_in_viewport(ratio=1)
    expect(page.locator("#song-button")).to_have_attribute("title", "The song's file: “bounce 7”")
    expect(page.locator("#facts-button")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert nameless(page) == []
    with server.websocket() as peer:
        peer.call("source", source="bounce 8.flac")
    expect(page.locator("#song-artist")).to_have_text(HEBREW)
    tagged(songs / "bounce 9.flac", HEBREW, HEBREW)
    page.evaluate("panel.bridge.refreshSongs()")
    expect(page.locator("#song-artist")).to_have_text("bounce 8")  # which of the two it is
    (songs / "bounce 9.flac").unlink()
    side = "(element => getComputedStyle(element).direction)"
    assert page.eval_on_selector("#song-title", side) == "rtl"
