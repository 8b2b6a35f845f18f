"""Seeds as other tools write them: 32 or 64 bits, negative, or -1 for a random one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Kind, Schema, exact_whole, number_in, shown

MAX_SEED = 2**64 - 1
RANDOM = -1  # what ComfyUI and others send for "any seed"
MAX_BITS = 1024  # of what is typed: text comes from clients
MAX_JSON_INTEGER = 2**53 - 1  # larger ones are rounded by JavaScript and other readers of JSON


@dataclass(frozen=True)
class Seed(Kind):
    """A seed: any whole number; `folded` brings it into the engines' range. Large ones are written as text."""

    osc: str = "i h s"

    def read(self, value: Any) -> int:
        if isinstance(value, str):
            value = number_in(value)
        if isinstance(value, float) and value.is_integer():
            value = exact_whole(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"must be a whole number, got {shown(value)}")
        if value.bit_length() > MAX_BITS:
            raise ValueError(f"must have at most {MAX_BITS} bits, got {shown(value)}")
        return value

    def write(self, value: Any) -> Any:
        return value if abs(value) <= MAX_JSON_INTEGER else str(value)

    def schema(self) -> Schema:
        return {"type": ["integer", "string"], "examples": [7, str(MAX_SEED)]}

    def describe(self) -> str:
        return "whole number, 0 to 2^64 - 1; -1 draws one, others are folded"


def folded(seed: int) -> tuple[int | None, str]:
    """The seed within 0 to MAX_SEED, None for one to be drawn; and a note on what changed, "" if nothing did."""
    if seed == RANDOM:
        return None, "Seed -1 asks for a random seed; the take's seed repeats the result."
    found = seed % (MAX_SEED + 1)
    if found == seed:
        return seed, ""
    return found, f"Seed {shown(seed)} is outside 0 to 2^64 - 1 and was folded to {found}."
