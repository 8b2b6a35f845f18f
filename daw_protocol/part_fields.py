"""The parts of a comp as a kind of value; see fields.py for kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Kind, Schema, shown
from daw_protocol.json_text import json_reason, json_value

MAX_SAMPLE = 2**53


@dataclass(frozen=True)
class PartsKind(Kind):
    """Which part of which take plays: rows of take, first sample, first sample after it (in OSC, as JSON text)."""

    def read(self, value: Any) -> tuple[tuple[str, int, int], ...]:
        if isinstance(value, str):
            try:
                value = json_value(value)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"is not valid JSON: {json_reason(error)}") from error
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"must be a list of parts, got {shown(value)}")
        return tuple(_part(row) for row in value)

    def write(self, value: Any) -> Any:
        return [list(row) for row in value]

    def schema(self) -> Schema:
        sample = {"type": "integer"}
        row = {
            "type": "array",
            "prefixItems": [{"type": "string"}, sample, sample],
            "minItems": 3,
            "maxItems": 3,
        }
        return {"type": "array", "items": row}

    def describe(self) -> str:
        return 'list of parts, each `["TAKE", 96000, 144000]`'


def _part(row: Any) -> tuple[str, int, int]:
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != 3:
        raise TypeError(f"must have a take and two samples in each part, got {shown(row)}")
    take, start, end = row
    samples = [one for one in (start, end) if isinstance(one, int) and not isinstance(one, bool)]
    if not isinstance(take, str) or len(samples) != 2:
        raise TypeError(f"must have a take and two samples in each part, got {shown(row)}")
    if not -MAX_SAMPLE <= start < end <= MAX_SAMPLE:
        raise ValueError(f"must have parts that end after they start, got {shown(start)} to {shown(end)}")
    return take, start, end
