"""Lyrics as the network read them in training: lower case, numbers and signs in words, Asian scripts in Latin letters.

The packages that do so are those of the published application, and are only needed for what they do: num2words for
numbers, pypinyin for Chinese, cutlet for Japanese, hangul-romanize for Korean.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import Any

from model.acestep_v1.conditioning import number_words
from model.acestep_v1.conditioning.chinese_numbers import in_characters
from model.acestep_v1.conditioning.lyric_words import ABBREVIATIONS, SIGN_WORDS, SIGNS
from model.errors import CannotRender

_PINYIN = re.compile(r"([a-zü]+[1-5][\s,]*)+")
"""A Chinese line that is in Latin letters already; the numbers are its tones."""
ROMANISED = {
    "zh": ("Chinese", ("pypinyin",), "lyrics", "pinyin with numbered tones"),
    "ja": ("Japanese", ("cutlet", "fugashi", "unidic_lite"), "lyrics-ja", "romaji"),
    "ko": ("Korean", ("hangul_romanize",), "lyrics", "Latin letters"),
}
"""Languages the network reads in Latin letters: name, packages that write them so, our extra with these, and what to
write without them."""


def cleaned(text: str, language: str) -> str:
    """A line as the network reads it. Raises CannotRender if a package is missing without which it would be noise."""
    if language in ROMANISED:
        _refuse_without_packages(text, language)
    if language == "ja":
        return _romaji(text)
    if language == "hi":
        return _one_blank(text.lower())
    text = _lowered(text.replace('"', ""), language)
    if language == "zh" and _PINYIN.fullmatch(text):
        return _one_blank(text)
    text = in_characters(text) if language == "zh" else _with_numbers(text, language)
    text = _one_blank(_with_signs(_with_abbreviations(text, language), language))
    if language == "zh":
        return _pinyin(text)
    return str(_romaniser().translit(text)) if language == "ko" else text


def unspelled(text: str, language: str) -> bool:
    """Whether a line's numbers stay digits only because a package is missing."""
    silent = language in ("ja", "hi", "zh")
    return not silent and any(letter.isdigit() for letter in text) and not number_words.can_spell()


def _with_numbers(text: str, language: str) -> str:
    return number_words.spelled(text, language) if number_words.can_spell() else text


def _lowered(text: str, language: str) -> str:
    if language == "tr":
        text = text.replace("İ", "i").replace("Ö", "ö").replace("Ü", "ü")
    return text.lower()


def _with_abbreviations(text: str, language: str) -> str:
    ending = r"\b" if language == "ru" else r"\."
    for short, word in ABBREVIATIONS.get(language, {}).items():
        text = re.sub(rf"\b{short}{ending}", word, text, flags=re.IGNORECASE)
    return text


def _with_signs(text: str, language: str) -> str:
    for sign, word in zip(SIGNS, SIGN_WORDS[language], strict=True):
        text = text.replace(sign, f" {word} ").replace("  ", " ")
    return text.strip()


def _one_blank(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _refuse_without_packages(text: str, language: str) -> None:
    """Raises CannotRender where letters would stay that the network has never seen."""
    name, packages, extra, instead = ROMANISED[language]
    missing = [package for package in packages if find_spec(package) is None]
    if missing and not text.isascii():
        raise CannotRender(
            f"{name} lyrics need packages that are not installed: {', '.join(missing)}.",
            f"Install them: pip install 'takebridge[{extra}]'. Or write the lyrics in {instead}.",
        )


def _romaji(text: str) -> str:
    """Hepburn romaji; what is in Latin letters already needs no package."""
    if text.isascii() and find_spec(ROMANISED["ja"][1][0]) is None:
        return _one_blank(text.lower())
    found: str = _cutlet().romaji(text)
    return found.lower()


def _pinyin(text: str) -> str:
    """Syllables with the number of their tone, 5 where they have none."""
    if text.isascii():
        return text
    from pypinyin import Style, pinyin

    found = pinyin(text, style=Style.TONE3, heteronym=False, neutral_tone_with_five=True)
    return "".join(syllable[0] for syllable in found)


@cache
def _cutlet() -> Any:
    from cutlet import Cutlet

    return Cutlet()


@cache
def _romaniser() -> Any:
    if find_spec("hangul_romanize") is None:
        return _Unchanged()
    from hangul_romanize import Transliter
    from hangul_romanize.rule import academic

    return Transliter(academic)


class _Unchanged:
    """Stands for the package where a line has no Korean letters."""

    def translit(self, text: str) -> str:
        return text
