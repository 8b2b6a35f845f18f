"""Numbers in words; what a language has no words for stays."""

from __future__ import annotations

import time

import pytest

from model.acestep_v1.conditioning import number_words

pytest.importorskip(number_words.PACKAGE, reason="pip install takebridge[lyrics]")


def test_amounts_places_and_decimals():
    assert number_words.spelled("$20.50", "en") == "twenty dollars, fifty cents"
    assert number_words.spelled("3rd of 1,234", "en") == "third of one thousand, two hundred and thirty-four"
    assert number_words.spelled("12,5", "de") == "zwölf Komma fünf"


def test_what_has_no_words_stays():
    assert number_words.spelled("50 vojáků", "cs") == "50 vojáků"
    assert number_words.spelled("no numbers", "en") == "no numbers"
    assert number_words.spelled("9" * 400, "en")


def test_amounts_stand_with_their_sign_on_either_side():
    assert number_words.spelled("5£", "en") == number_words.spelled("£5", "en") == "five pounds sterling"


def test_a_long_row_of_digits_costs_no_more_than_its_length():
    began = time.thread_time()
    assert number_words._amounts("7" * 8000 + " £", "en", "en", lambda number, **_: "") == "7" * 8000 + " £"
    assert time.thread_time() - began < 1.0
