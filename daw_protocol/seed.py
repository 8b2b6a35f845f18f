"""Seeds as other tools write them: 32 or 64 bits, negative, or -1 for a random one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Kind, Schema, digits_of, exact_whole, number_in, quoted, shown
from daw_protocol.timeline.written_number import plain

MAX_SEED = 2**64 - 1
RANDOM = -1  # what ComfyUI and others send for "any seed"
MAX_DIGITS = 20_000  # of what is typed: text comes from clients
MAX_BITS = MAX_DIGITS * 3322 // 1000
_PLAIN_BITS = 2048
_CHUNK = 1000  # digits that Python converts whatever limit it has been given
_WHOLE = re.compile(r"\s*([+-]?)(\d+)(?:\.0*)?\s*", re.ASCII)
MAX_JSON_INTEGER = 2**53 - 1  # larger ones are rounded by JavaScript and other readers of JSON


@dataclass(frozen=True)
class Seed(Kind):
    """A seed: any whole number; `folded` brings it into the engines' range. Large ones are written as text."""

    osc: str = "i h s"

    def read(self, value: Any) -> int:
        number = _whole_in(value) if isinstance(value, str) else value
        if isinstance(number, float) and number.is_integer():
            number = exact_whole(number)
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"must be a whole number, got {quoted(value, number)}")
        if number.bit_length() > MAX_BITS:
            raise ValueError(f"must have at most {MAX_DIGITS} digits, got {shown(number)}")
        return number

    def write(self, value: Any) -> Any:
        if abs(value) <= MAX_JSON_INTEGER:
            return value
        return str(value) if value.bit_length() <= _PLAIN_BITS else _digits(value)

    def schema(self) -> Schema:
        return {"type": ["integer", "string"], "examples": [7, str(MAX_SEED)]}

    def describe(self) -> str:
        return "whole number, 0 to 2^64 - 1; -1 draws one, others are folded"


def _whole_in(text: str) -> Any:
    """The whole number in a text, however long; else what `number_in` makes of it. Raises ValueError."""
    written = _WHOLE.fullmatch(plain(text))
    if written is None or len(written[2]) <= _CHUNK:
        return number_in(text)
    sign, digits = written.groups()
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"must have at most {MAX_DIGITS} digits, got {len(digits)}")
    number = 0
    for first in range(0, len(digits), _CHUNK):
        part = digits[first : first + _CHUNK]
        number = number * 10 ** len(part) + int(part)
    return -number if sign == "-" else number


def _digits(number: int) -> str:
    """The inverse of `_whole_in`."""
    parts: list[str] = []
    rest = abs(number)
    while rest:
        rest, part = divmod(rest, 10**_CHUNK)
        parts.append(str(part).rjust(_CHUNK, "0"))
    return ("-" if number < 0 else "") + "".join(reversed(parts)).lstrip("0")


def folded(seed: int) -> tuple[int | None, str]:
    """The seed within 0 to MAX_SEED, None for one to be drawn; and a note on what changed, "" if nothing did."""
    if seed == RANDOM:
        return None, "Seed -1 asks for a random seed; the take's seed repeats the result."
    found = seed % (MAX_SEED + 1)
    if found == seed:
        return seed, ""
    named = f"Seed {seed}" if seed.bit_length() <= 128 else f"A seed of {digits_of(seed)} digits"
    return found, f"{named} is outside 0 to 2^64 - 1 and was folded to {found}."
