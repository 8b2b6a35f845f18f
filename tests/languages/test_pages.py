"""The pages to read show every entry, as the program says it, and mark what another entry takes the place of."""

import pytest

from bridge_server.languages.installed import SECTIONS, language_file
from tests.languages import pages


def test_every_entry_is_on_a_page_filled_in():
    file = language_file("ko")
    found = list(pages.entries("ko"))
    assert len(found) == sum(len(file[section]) for section in SECTIONS)
    by_english = {one.english: one for one in found}
    one = by_english["There is no file /music/song.wav."]
    assert (one.translation, one.other) == ("/music/song.wav 파일이 없습니다.", "")
    assert not [one for one in found if "{" in pages.example(one.english)]


def test_what_another_entry_says_in_its_place_is_marked(monkeypatch):
    table = {
        "There is nothing at {path}.": "{path}: 없음.",
        "There is nothing at {place} now.": "{place}: 지금 없음.",
    }
    monkeypatch.setattr(
        pages, "language_file", lambda _: {**{one: {} for one in SECTIONS}, "sentences": table}
    )
    monkeypatch.setitem(pages.EXAMPLES, "path", "home now")
    first, second = pages.entries("ko")
    assert (first.translation, first.other) == ("home: 지금 없음.", "home now: 없음.")
    assert second.other == ""
    shown = pages.page((first, second), "ko")
    assert shown.count("class=other") == 1
    assert "<mark>home now: 없음.</mark>" in shown


@pytest.mark.parametrize(
    ("place", "shown"), [("path", "/music/song.wav"), ("bar2", "17"), ("nonesuch", "17")]
)
def test_an_example_fits_the_name_of_its_place(place, shown):
    assert pages.example(place) == shown
