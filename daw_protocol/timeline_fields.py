"""Musical kinds of value: positions, lengths, keys, time signatures and tempo maps; see fields.py for kinds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Kind, Schema, Text, exact_whole, object_in, shown
from daw_protocol.timeline import Key, Meter, TempoMap, format_position, parse_position
from daw_protocol.timeline.chord_progression import FORMS, MAX_TEXT, ChordProgression
from daw_protocol.timeline.duration import Duration
from daw_protocol.timeline.position import BARS_LOOK, Position
from daw_protocol.timeline.tempo_point import MAX_POINTS
from daw_protocol.timeline.written_number import plain

MAX_BARS_LETTERS = 40


@dataclass(frozen=True)
class PositionKind(Kind):
    """A position on the timeline, as typed: samples, seconds, beats, bar|beat|tick or timecode."""

    osc: str = "i h s"

    def read(self, value: Any) -> Position:
        if isinstance(value, Position):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError(f"must be a position on the timeline, got {shown(value)}")
        if isinstance(value, int) and value.bit_length() > 64:  # too long to quote
            raise ValueError(f"must be a position on the timeline, got {shown(value)}")
        return parse_position(value)

    def write(self, value: Any) -> Any:
        return format_position(value)

    def schema(self) -> Schema:
        return {"type": ["integer", "string"], "examples": [384000, "12.5s", "17|1|0", "64b"]}

    def describe(self) -> str:
        return 'position: samples, `"12.5s"`, `"17\\|1\\|0"`, `"64b"`, timecode'


@dataclass(frozen=True)
class DurationKind(Kind):
    """A length: samples, seconds, beats or bars."""

    osc: str = "i h s"

    def read(self, value: Any) -> Duration:
        if isinstance(value, Duration):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError(f"must be a length on the timeline, got {shown(value)}")
        # Some control surfaces send only 32-bit floats, which hold whole numbers exactly up to 2**24.
        if isinstance(value, float) and value.is_integer() and abs(value) <= 2**24:
            value = int(value)
        return Duration.parse(value)

    def write(self, value: Any) -> Any:
        return str(value)

    def schema(self) -> Schema:
        return {"type": ["integer", "string"], "examples": [192000, "4s", "8 bars", "16b"]}

    def describe(self) -> str:
        return 'length: samples, `"4s"`, `"8 bars"`, `"16b"`'


@dataclass(frozen=True)
class BarsKind(Kind):
    """A range of whole bars, kept as it was typed; where they lie, the tempo map knows."""

    def read(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = exact_whole(value)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise TypeError(f"{BARS_LOOK}, got {shown(value)}")
        typed = plain(value) if isinstance(value, str) else str(value)
        if len(typed) > MAX_BARS_LETTERS:
            raise ValueError(f"{BARS_LOOK}, got {shown(value)}")
        return Text(MAX_BARS_LETTERS, 1).read(typed)

    def schema(self) -> Schema:
        return Text(MAX_BARS_LETTERS, 1).schema()

    def describe(self) -> str:
        return 'range of bars, the last one included: `"17-20"`, or `"17"` for one'


@dataclass(frozen=True)
class KeyKind(Kind):
    """A musical key."""

    def read(self, value: Any) -> Key:
        if isinstance(value, Key):
            return value
        if not isinstance(value, str):
            raise TypeError(f'must be a key such as "F# minor", got {shown(value)}')
        return Key.parse(value)

    def write(self, value: Any) -> Any:
        return str(value)

    def schema(self) -> Schema:
        return {"type": "string", "examples": ["C major", "F# minor", "Bb dorian"]}

    def describe(self) -> str:
        return 'key, such as `"F# minor"` or `"Bb"`'


@dataclass(frozen=True)
class ChordsKind(Kind):
    """A chord progression, as text; a list of texts has a bar in each."""

    def read(self, value: Any) -> ChordProgression:
        if isinstance(value, ChordProgression):
            return value
        if isinstance(value, (list, tuple)) and all(isinstance(bar, str) for bar in value):
            value = " | ".join(value)
        if not isinstance(value, str):
            raise TypeError(f"must be chords; {FORMS}; got {shown(value)}")
        return ChordProgression.parse(Text(MAX_TEXT).read(value))

    def write(self, value: Any) -> Any:
        return str(value)

    def schema(self) -> Schema:
        look = list(CHORDS_LOOK)
        return {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "minItems": 1,
            "maxLength": MAX_TEXT,
            "examples": look,
        }

    def describe(self) -> str:
        return "progression: " + ", ".join(f"`{look}`" for look in CHORDS_LOOK).replace("|", "\\|")


CHORDS_LOOK = ("Am F C G", "Am F | C G7/B", "1|1 Am 1|3 F/C 3|1 G7")


@dataclass(frozen=True)
class MeterKind(Kind):
    """A time signature."""

    def read(self, value: Any) -> Meter:
        if isinstance(value, Meter):
            return value
        if not isinstance(value, str):
            raise TypeError(f'must be a time signature such as "4/4", got {shown(value)}')
        return Meter.parse(value)

    def write(self, value: Any) -> Any:
        return str(value)

    def schema(self) -> Schema:
        return {"type": "string", "examples": ["4/4", "7/8"]}

    def describe(self) -> str:
        return 'time signature, such as `"4/4"`'


@dataclass(frozen=True)
class TempoMapKind(Kind):
    """A whole tempo map, as a JSON object (in OSC, as JSON text)."""

    def read(self, value: Any) -> TempoMap:
        if isinstance(value, TempoMap):
            return value
        return _read_map(object_in(value))

    def write(self, value: Any) -> Any:
        return value.to_json()

    def schema(self) -> Schema:
        point = {"quarter": EXACT_NUMBER, "bpm": EXACT_NUMBER, "ramp": {"type": "boolean"}}
        meter = {"quarter": EXACT_NUMBER, "meter": MeterKind().schema(), "cuts_bar": {"type": "boolean"}}
        return object_schema(
            {
                "points": list_schema(object_schema(point, ("quarter", "bpm"))),
                "meters": list_schema(object_schema(meter, ("quarter", "meter"))),
                "offset": EXACT_NUMBER,
                "first_bar": {"type": "integer"},
            },
            ("points",),
        )

    def describe(self) -> str:
        return 'tempo map object, such as {"points": [{"quarter": 0, "bpm": 120}]}'


LARGE_MAP = 200  # points
KEPT_MAPS = 8
_kept: dict[str, TempoMap] = {}


def _read_map(fields: Mapping[str, Any]) -> TempoMap:
    """Raises as TempoMap.from_json. Of the large maps that were read last, equal ones are the same object: to read,
    compare and sum up 10,000 points takes a third of a second, and a request's map is read again for its job, for each
    variation and for whoever shares its song.
    """
    points = fields.get("points")
    if not isinstance(points, list) or len(points) < LARGE_MAP:
        return TempoMap.from_json(fields)
    try:
        text = json.dumps(fields, sort_keys=True)
    except (TypeError, ValueError, RecursionError):  # no map either; the reader says why
        return TempoMap.from_json(fields)
    found = _kept.get(text)
    if found is None:
        found = TempoMap.from_json(fields)
        for spelling in (text, json.dumps(found.to_json(), sort_keys=True)):
            _kept[spelling] = found
        for oldest in list(_kept)[:-KEPT_MAPS]:
            _kept.pop(oldest, None)
    return found


EXACT_NUMBER: Schema = {"type": ["number", "string"]}


def object_schema(properties: Mapping[str, Schema], required: tuple[str, ...]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def list_schema(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_POINTS}
