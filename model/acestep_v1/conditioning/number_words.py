"""Numbers in lyrics, written out as they are sung; Chinese ones are in chinese_numbers.py.

Equal to the text the network was trained on, with its oddities: a language in which an amount cannot be written out
keeps all later amounts of the line as numbers. Needs num2words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from model.acestep_v1.conditioning.lyric_words import CENTS_AFTER, CURRENCIES, ORDINAL_ENDINGS

PACKAGE = "num2words"

_WITH_COMMAS = re.compile(r"\b\d{1,3}(,\d{3})*(\.\d+)?\b")
_WITH_DOTS = re.compile(r"\b\d{1,3}(.\d{3})*(\,\d+)?\b")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_WHOLE = re.compile(r"[0-9]+")
_COMMAS_ARE_THOUSANDS = ("en", "ru")
_NO_DECIMALS = ("tr",)

Spell = Callable[..., Any]
"""num2words."""


def can_spell() -> bool:
    """Whether the package that writes numbers out is installed."""
    return find_spec(PACKAGE) is not None


def spelled(text: str, language: str) -> str:
    """The text with its numbers in words; unchanged if the language has no words for one of them."""
    if not any(letter.isdigit() for letter in text):
        return text
    from num2words import num2words

    try:
        return _all_spelled(text, language, num2words)
    except (NotImplementedError, ValueError, ArithmeticError, TypeError, LookupError):
        return text


def _all_spelled(text: str, language: str, spell: Spell) -> str:
    code = "cz" if language == "cs" else language
    text = _joined_thousands(text, language)
    text = _amounts(text, language, code, spell)
    if language not in _NO_DECIMALS:
        text = _DECIMAL.sub(lambda found: str(spell(_number(found[0]), lang=code)), text)
    ordinal = re.compile(f"([0-9]+)({ORDINAL_ENDINGS[language]})")
    text = ordinal.sub(lambda found: str(spell(int(found[1]), ordinal=True, lang=code)), text)
    return _WHOLE.sub(lambda found: str(spell(int(found[0]), lang=code)), text)


def _joined_thousands(text: str, language: str) -> str:
    """Without the signs between thousands."""
    if language in _COMMAS_ARE_THOUSANDS:
        return _WITH_COMMAS.sub(lambda found: found[0].replace(",", ""), text)
    return _WITH_DOTS.sub(lambda found: found[0].replace(".", ""), text)


def _amounts(text: str, language: str, code: str, spell: Spell) -> str:
    """Amounts of money in words; after the first that cannot be written out, the rest stays."""
    joiner = CENTS_AFTER.get(language, ", ")

    def amount(number: float, currency: str) -> str:
        words = str(spell(number, to="currency", currency=currency, lang=code))
        return words[: words.rfind(joiner)] if number.is_integer() and joiner in words else words

    for sign, currency in CURRENCIES.items():
        if sign not in text:
            continue
        # Begins where its digits begin, so that a long number is read once and not from each of its digits.
        pattern = re.compile(rf"{re.escape(sign)}[0-9.,]*[0-9]|(?<![0-9.,])[0-9.,]*[0-9]{re.escape(sign)}")
        try:
            text = pattern.sub(
                lambda found, sign=sign, currency=currency: amount(  # type: ignore[misc]
                    _number(found[0].replace(sign, "")), currency
                ),
                text,
            )
        except (NotImplementedError, ValueError, ArithmeticError, TypeError, LookupError):
            return text
    return text


def _number(text: str) -> float:
    return float(text.replace(",", "."))
