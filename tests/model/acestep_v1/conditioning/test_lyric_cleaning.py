"""Cleaned lyrics, letter by letter, against the published code's."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from model.acestep_v1.conditioning import number_words
from model.acestep_v1.conditioning.lyric_cleaning import ROMANISED, cleaned, unspelled
from model.errors import CannotRender
from tests.model.acestep_v1.golden_v1 import table

CASES = table("lyric_cleaning")["cases"]
LINES = table("lyric_tokenizer")["lines"]
LANGUAGES = sorted({case["language"] for case in CASES})


def need_packages(language: str) -> None:
    for package in (number_words.PACKAGE, *ROMANISED.get(language, ("", (), "", ""))[1]):
        pytest.importorskip(package, reason="pip install takebridge[lyrics,lyrics-ja]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_a_language(language: str):
    need_packages(language)
    for case in (each for each in CASES if each["language"] == language):
        assert cleaned(case["text"], language) == case["cleaned"], case["text"]


def test_the_lines_of_songs_in_the_language_that_was_read():
    for line in LINES:
        need_packages(line["used"])
        assert cleaned(line["text"], line["used"]) == line["preprocessed"], line["text"]
        if "preprocessed_intended" in line:
            need_packages(line["intended"])
            assert cleaned(line["text"], line["intended"]) == line["preprocessed_intended"], line["text"]


def test_text_without_numbers_needs_no_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(number_words, "PACKAGE", "no_such_package")
    assert cleaned("Grüße & Küsse, Dr. Müller", "de") == "grüße und küsse, doktor müller"
    assert cleaned("99 Luftballons", "de") == "99 luftballons"
    assert unspelled("99 Luftballons", "de")
    assert not unspelled("Luftballons", "de")
    assert not unspelled("99", "hi")


@pytest.mark.parametrize(("text", "language"), [("你好", "zh"), ("さくら", "ja"), ("안녕", "ko")])
def test_a_missing_package_is_named(text: str, language: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "model.acestep_v1.conditioning.lyric_cleaning.find_spec",
        lambda name: None if name in ROMANISED[language][1] else find_spec(name),
    )
    with pytest.raises(CannotRender, match="lyrics need packages"):
        cleaned(text, language)
