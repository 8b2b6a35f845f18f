"""JSON as clients write it: read in one place, with whole numbers of any length, and its faults in words."""

from __future__ import annotations

import json
import math
from typing import Any

_PLAIN_DIGITS = 1000
"""Digits that Python converts whatever limit it has been given."""


def json_value(text: str) -> Any:
    """The value in a text. A number that is too long or too large for Python stays text: each field says what it makes
    of it.

    Raises ValueError for what is not JSON, NaN and Infinity among it, and RecursionError for deep nesting;
    `json_reason` has the words for both.
    """
    return json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_no_constant)


def json_reason(error: Exception) -> str:
    """Why a text is not JSON."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _PLAIN_DIGITS else digits


def _real(written: str) -> float | str:
    """1e400 would be infinity."""
    found = float(written)
    return found if math.isfinite(found) else written


def _no_constant(name: str) -> Any:
    # Python's json accepts NaN and Infinity, which are not JSON.
    raise ValueError(f"{name} is not JSON")
