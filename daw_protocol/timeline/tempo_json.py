"""Writes the parts of a tempo map as JSON values and reads them back, from untrusted JSON too.

Every error is a ValueError that names its field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.exact_number import exact_decimal
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.tempo_point import MAX_POINTS, TempoPoint

_MAX_QUOTED = 60  # characters of a wrong value


def points_to_json(points: tuple[TempoPoint, ...]) -> list[dict[str, object]]:
    return [
        {"quarter": number_to_json(point.quarter), "bpm": number_to_json(point.bpm), "ramp": point.ramp}
        for point in points
    ]


def points_from_json(value: object) -> tuple[TempoPoint, ...]:
    return tuple(_point(f"points[{index}]", entry) for index, entry in enumerate(_array("points", value)))


def changes_to_json(changes: tuple[MeterChange, ...]) -> list[dict[str, object]]:
    return [
        {"quarter": number_to_json(change.quarter), "meter": str(change.meter), "cuts_bar": change.cuts_bar}
        for change in changes
    ]


def changes_from_json(value: object) -> tuple[MeterChange, ...]:
    return tuple(_change(f"meters[{index}]", entry) for index, entry in enumerate(_array("meters", value)))


def number_to_json(value: Fraction) -> int | str:
    """An int, or "num/den" text; the inverse of `number_from_json`."""
    return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def _point(where: str, value: object) -> TempoPoint:
    fields = json_object(where, value, {"quarter", "bpm"}, {"ramp"})
    quarter, bpm = (number_from_json(f"{where}.{name}", fields[name]) for name in ("quarter", "bpm"))
    ramp = _flag(f"{where}.ramp", fields.get("ramp", False))
    try:
        return TempoPoint(quarter, bpm, ramp)
    except ValueError as error:
        raise ValueError(f"{where}.{error}") from error


def _change(where: str, value: object) -> MeterChange:
    fields = json_object(where, value, {"quarter", "meter"}, {"cuts_bar"})
    quarter = number_from_json(f"{where}.quarter", fields["quarter"])
    cuts_bar = _flag(f"{where}.cuts_bar", fields.get("cuts_bar", False))
    text = fields["meter"]
    if not isinstance(text, str):
        raise ValueError(f'{where}.meter must be text such as "4/4", got {_sent(text)}')
    try:
        return MeterChange(quarter, Meter.parse(text), cuts_bar)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def json_object(where: str, value: object, needed: set[str], optional: set[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object, got {type(value).__name__}")
    missing = needed - value.keys()
    if missing:
        raise ValueError(f"{where} lacks the fields {', '.join(sorted(missing))}")
    unknown = {str(name) for name in value} - needed - optional
    if unknown:
        names = ", ".join(sorted(needed | optional))
        raise ValueError(f"{where} has an unknown field {sorted(unknown)[0][:40]!r}; it takes {names}")
    return value


def _array(where: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{where} must be an array, got {type(value).__name__}")
    if len(value) > MAX_POINTS:
        raise ValueError(f"{where} must have between 1 and {MAX_POINTS} entries, got {len(value)}")
    return value


def number_from_json(where: str, value: object) -> Fraction:
    try:
        return exact_decimal(where, value)
    except TypeError:
        raise ValueError(f'{where} must be a number or text such as "7/2", got {_sent(value)}') from None


def integer_from_json(where: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{where} must be a whole number, got {_sent(value)}")
    return value


def _flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where} must be true or false, got {_sent(value)}")
    return value


def _sent(value: object) -> str:
    """The value in JSON, as it was sent, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 3] + "..."
