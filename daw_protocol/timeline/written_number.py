"""Numbers as people write them: with a decimal comma, or with the minus sign of a typesetter.

A comma is read where it can only be a decimal one. "1,500" may be one and a half or fifteen hundred; it is refused
in words that name the comma.
"""

from __future__ import annotations

import re

MINUS = "\N{MINUS SIGN}"

# What holds digits, points and commas together; a number in "17-20" or "1:02,5" stands alone.
_NUMBER = re.compile(r"(?<![\d.,])\d[\d.,]*,[\d.,]*", re.ASCII)
_DECIMAL_COMMA = re.compile(r"(\d+),(\d+)", re.ASCII)
_GROUPED = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)


def with_points(text: str) -> str:
    """The text with a point for every decimal comma and a hyphen for every minus sign.

    Raises ValueError, naming the number, where the comma may mean something else.
    """
    if "," not in text and MINUS not in text:
        return text
    return _NUMBER.sub(_with_point, text.replace(MINUS, "-"))


def _with_point(match: re.Match[str]) -> str:
    written = match[0]
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
