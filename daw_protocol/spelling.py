"""The nearest of some known words to a misspelt one: quick, whatever a peer sends, since it runs on the event loop."""

from __future__ import annotations

import difflib
import heapq
from functools import lru_cache

MAX_LETTERS = 60  # of the misspelt word; difflib's time grows with it
CANDIDATES = 3  # compared exactly; difflib on all addresses takes 2 ms
LEAST_LIKENESS = 0.6  # difflib's own default


@lru_cache(maxsize=1024)
def nearest(given: str, known: tuple[str, ...]) -> str | None:
    """The known word most like `given`, or None when none is close."""
    word = given[:MAX_LETTERS]
    pieces = _pieces(word)
    likely = heapq.nlargest(CANDIDATES, known, key=lambda one: _overlap(pieces, _pieces(one)))
    return next(iter(difflib.get_close_matches(word, likely, n=1, cutoff=LEAST_LIKENESS)), None)


@lru_cache(maxsize=4096)
def _pieces(word: str) -> frozenset[str]:
    """A word's letters and pairs of letters."""
    return frozenset(word) | {word[at : at + 2] for at in range(len(word) - 1)}


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    """From 0, nothing in common, to 1."""
    return 2 * len(left & right) / max(1, len(left) + len(right))
