import time

import pytest

from bridge_server.languages.catalogue import _FIGURE, Catalogue
from bridge_server.languages.template import Template
from tests.bridge_server.languages.cases import CASES, ENTRIES


@pytest.fixture(scope="module")
def korean():
    return Catalogue(ENTRIES)


@pytest.mark.parametrize(("english", "expected"), CASES)
def test_a_text_is_recognised_by_what_stands_around_its_values(korean, english, expected):
    assert korean.translate(english) == expected


@pytest.mark.parametrize(
    "text", ["", "  ", "Nothing like it.", "song.wav", "from here to eternity", "Cover Me"]
)
def test_what_has_no_entry_stays(korean, text):
    assert korean.translate(text) == text


def test_a_producers_own_words_stay(korean):
    assert korean.translate('"The disk is full." cannot be read: it is empty.').startswith(
        '"The disk is full."'
    )


def test_of_several_entries_the_one_with_most_words_of_its_own_counts():
    catalogue = Catalogue({"The {a} is {b}.": "{a}: {b}.", "The song is {b}.": "곡: {b}."})
    assert catalogue.translate("The song is long.") == "곡: long."


def test_what_is_unknown_between_known_sentences_stays(korean):
    assert korean.translate("The disk is full. So it goes. Check the name.") == (
        "디스크가 가득 찼습니다. So it goes. 이름을 확인하세요."
    )


@pytest.mark.parametrize("text", ["There is no file. ", "It takes a 5 to 9, got b. ", "a: "])
def test_a_text_that_fits_in_very_many_ways_is_read_only_so_often(korean, monkeypatch, text):
    read = []
    match = Template.match
    monkeypatch.setattr(Template, "match", lambda self, given: read.append(given) or match(self, given))
    Catalogue(ENTRIES).translate((text * 200)[:2000])
    assert len(read) < 20_000


@pytest.mark.parametrize("text", ["7", "-7 dB", "1|2", "120 BPM", "٣", "7 \n 8", "7x"])
def test_a_number_with_its_unit_is_a_figure(text):
    assert _FIGURE.fullmatch(text)


@pytest.mark.parametrize("text", ["", "dB", "- dB", "bar 3", "3 bars", "7 x 7", "x7"])
def test_all_else_is_none(text):
    assert not _FIGURE.fullmatch(text)


def test_long_foreign_text_takes_no_longer_than_its_length_deserves():
    text = "1" * 40_000 + " bars"
    began = time.process_time()
    assert _FIGURE.fullmatch(text) is None
    assert time.process_time() - began < 1
