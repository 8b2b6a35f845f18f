"""Regions of one song, several of which a request may name: in JSON a list, in OSC and on a command line one text.

"17-20, 33-36" are bars; "12.5s..16s, 40s..44s" are positions, of any kind, with ".." between start and end. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import Kind, Schema, exact_whole, shown
from daw_protocol.json_text import json_reason, json_value
from daw_protocol.message import Message, message_schema, value
from daw_protocol.seed import Seed
from daw_protocol.timeline.duration import Duration
from daw_protocol.timeline.position import Position
from daw_protocol.timeline.written_number import plain
from daw_protocol.timeline_fields import BarsKind, DurationKind, PositionKind

MAX_REGIONS = 32
TO = ".."


@dataclass(frozen=True, kw_only=True)
class Region(Message):
    """One of several regions: bars, or start with end or length."""

    bars: str | None = value(BarsKind(), 'bars, inclusive: "17-20" or "17"', None)
    start: Position | None = value(PositionKind(), "first sample of the region", None)
    end: Position | None = value(PositionKind(), "first sample after the region", None)
    length: Duration | None = value(DurationKind(), "the region's length, instead of `end`", None)
    seed: int | None = value(Seed(), "this region's seed; by default the request's", None)

    def check(self) -> None:
        if all(given is None for given in (self.bars, self.start, self.end, self.length)):
            raise ProtocolError(
                ErrorCode.BAD_REGION,
                "it has neither bars nor start.",
                "Give bars, or start with end or length.",
            )
        check_region(self.bars, self.start, self.end, self.length)


def check_region(
    bars: str | None, start: Position | None, end: Position | None, length: Duration | None
) -> None:
    """Raises ProtocolError where a region is defined twice."""
    if bars is not None and (start is not None or end is not None or length is not None):
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            "bars: the region is defined twice.",
            "Send either bars, or start with end or length.",
            "bars",
        )
    if end is not None and length is not None:
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            "length: the region's end is defined twice.",
            "Send either end or length.",
            "length",
        )


@dataclass(frozen=True)
class RegionsKind(Kind):
    """Several regions, in the order in which they are to be rendered."""

    osc: str = "s i"

    def read(self, value: Any) -> tuple[Region, ...]:
        if isinstance(value, float) and value.is_integer():
            value = exact_whole(value)  # one bar, from a surface that sends every number as a float
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str):
            value = _in_text(value)
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"must be a list of regions, got {shown(value)}")
        if not 1 <= len(value) <= MAX_REGIONS:
            raise ValueError(f"must be 1 to {MAX_REGIONS} regions, got {len(value)}")
        return tuple(_region(number, entry) for number, entry in enumerate(value, 1))

    def write(self, value: Any) -> Any:
        return [region.to_fields() for region in value]

    def schema(self) -> Schema:
        return {
            "type": ["array", "string"],
            "items": {"anyOf": [{"type": "string"}, message_schema(Region)]},
            "minItems": 1,
            "maxItems": MAX_REGIONS,
            "examples": [[{"bars": "17-20"}, {"start": "64s", "end": "72s", "seed": 7}], "17-20, 33-36"],
        }

    def describe(self) -> str:
        return (
            f'list of at most {MAX_REGIONS} regions, each `{{"bars": "17-20"}}` or `{{"start": "64s", "end": "72s"}}`, '
            'with its own `"seed"` if need be; or text: `"17-20, 33-36"` or `"64s..72s, 90s..98s"`'
        )


def _region(number: int, given: Any) -> Region:
    """The region, or ValueError that says which one is wrong."""
    if isinstance(given, Region):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if isinstance(given, str):
        given = _of_text(given)
    if not isinstance(given, Mapping):
        raise TypeError(f"region {number} must be text or an object, got {shown(given)}")
    try:
        return Region.from_fields(given)
    except ProtocolError as error:
        raise ValueError(f"region {number}: {error.sentence.removesuffix('.')}") from error


def _in_text(text: str) -> list[Any]:
    """The regions of a text: a JSON list, or regions between commas, semicolons or line ends."""
    text = plain(text).strip()
    if text.startswith("["):
        try:
            found = json_value(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is not valid JSON: {json_reason(error)}") from error
        return found if isinstance(found, list) else [found]
    parts = [part.strip() for part in text.replace(";", ",").replace("\n", ",").split(",")]
    parts = [part for part in parts if part]
    if len({TO in part for part in parts}) > 1:  # "12,5s..16s" is one region and not two
        raise ValueError(
            f"bars and positions are mixed in {shown(text)}; write decimals with a point, and bars next to "
            "positions as a JSON list"
        )
    return parts


def _of_text(text: str) -> dict[str, str]:
    """The values of one region's text."""
    start, to, end = plain(text).partition(TO)
    return {"start": start.strip(), "end": end.strip()} if to else {"bars": text.strip()}
