"""Numbers as people write them: with a decimal comma, or with the signs of a typesetter or of their keyboard.

A comma is read where it can only be a decimal one. "1,500" may be one and a half or fifteen hundred; it is refused
in words that name the comma.
"""

from __future__ import annotations

import re
import unicodedata

_WIDTHS = ("<wide>", "<narrow>", "<noBreak>", "<small>")
"""Forms of a character that differ from it in nothing but their width: Unicode's compatibility mappings."""

_SIGNS = {
    "\N{MINUS SIGN}": "-",
    "\N{DIVISION SLASH}": "/",
    "\N{FRACTION SLASH}": "/",
    "\N{RATIO}": ":",
    "\N{IDEOGRAPHIC COMMA}": ",",
    "\N{ARABIC COMMA}": ",",
    "\N{ARABIC DECIMAL SEPARATOR}": ".",
    "\N{LEFT BLACK LENTICULAR BRACKET}": "[",
    "\N{RIGHT BLACK LENTICULAR BRACKET}": "]",
    "\N{LEFT TORTOISE SHELL BRACKET}": "[",
    "\N{RIGHT TORTOISE SHELL BRACKET}": "]",
}

# What holds digits, points and commas together; a number in "17-20" or "1:02,5" stands alone.
_NUMBER = re.compile(r"(?<![\d.,])\d[\d.,]*,[\d.,]*|(?<![\w.,]),\d[\d.,]*", re.ASCII)
_DECIMAL_COMMA = re.compile(r"(\d+),(\d+)", re.ASCII)
_GROUPED = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)


def plain(text: str) -> str:
    """The text with ASCII's sign for every sign that only looks different, for a reader.

    Hyphens, dashes and minus signs, blanks, the decimal digits of any script, and what Asian keyboards write in full
    width. Marks that have no width of their own vanish: they come along when text is copied.
    """
    return text if text.isascii() else "".join(map(_plain, text)).strip()


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in _SIGNS:
        return _SIGNS[letter]
    category = unicodedata.category(letter)
    if category in ("Pd", "Zs", "Cf"):
        return {"Pd": "-", "Zs": " ", "Cf": ""}[category]
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    if unicodedata.decomposition(letter).startswith(_WIDTHS):
        return unicodedata.normalize("NFKC", letter)
    return letter


def with_points(text: str) -> str:
    """The text, plain, with a point for every decimal comma.

    Raises ValueError, naming the number, where the comma may mean something else.
    """
    text = plain(text)
    return _NUMBER.sub(_with_point, text) if "," in text else text


def _with_point(match: re.Match[str]) -> str:
    written = match[0]
    if written.startswith(",") and written[1:].isdecimal():
        raise ValueError(f'the comma in "{written[:40]}" has no digit before it; write "0.{written[1:40]}"')
    parts = _DECIMAL_COMMA.fullmatch(written)
    if parts is None:
        raise ValueError(
            f'the commas in "{written[:40]}" are not understood; write a decimal with a point and no other separators'
        )
    after_colon = match.string[: match.start()].endswith(":")  # seconds, of which there are not a thousand
    if _GROUPED.fullmatch(written) and not after_colon:
        raise ValueError(
            f'the comma in "{written}" may separate decimals or thousands; '
            f'write "{parts[1]}.{parts[2]}" or "{parts[1]}{parts[2]}"'
        )
    return f"{parts[1]}.{parts[2]}"
