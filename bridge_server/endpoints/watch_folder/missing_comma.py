"""Finds where commas are missing: words that make no sense as one item of a request, but do as several. Pure."""

from __future__ import annotations

from collections.abc import Callable

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import shown

MOST_WORDS = 12
"""Words in which missing commas are looked for: a few dozen ways to part them, not thousands."""


def refuse_joined(text: str, makes_sense: Callable[[str], None], as_item: Callable[[str], None]) -> None:
    """Raises ProtocolError where a text makes no sense as a whole, but does as its first words and items behind them.

    makes_sense, as_item: raise ProtocolError for a text that is no good first part, and no good item.
    """
    if (parts := _parts(text.split(), makes_sense, as_item)) and len(parts) > 1:
        mended = ", ".join(parts)
        remedy = f'Write "{mended}".' if shown(text) == repr(text) else f"Write one after {shown(parts[0])}."
        raise ProtocolError(ErrorCode.BAD_MESSAGE, f"A comma is missing in {shown(text)}.", remedy)


def _parts(
    words: list[str], makes_sense: Callable[[str], None], as_item: Callable[[str], None]
) -> list[str] | None:
    if not words or len(words) > MOST_WORDS:
        return None
    for count in range(len(words), 0, -1):
        first = " ".join(words[:count])
        if not _is_good(first, makes_sense):
            continue
        if count == len(words):
            return [first]
        if rest := _parts(words[count:], as_item, as_item):
            return [first, *rest]
    return None


def _is_good(text: str, makes_sense: Callable[[str], None]) -> bool:
    try:
        makes_sense(text)
    except ProtocolError:
        return False
    return True
