"""The tempo map of a DAWproject. Pure.

Its beats are quarter notes. Ramps are lines over beats in some programs and over time in others: a project with one can
be placed by seconds, but its bars cannot be found exactly, so it is refused.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from fractions import Fraction

from clip_store.errors import ProjectError
from daw_protocol.timeline import Meter, MeterChange, TempoMap, TempoPoint

STEPS = (
    "Draw the tempo in steps, or bounce the track and use `takebridge repaint SONG.wav --tempo-map MAP.mid`."
)

# As doubles are written; an exponent of a thousand digits would fill the memory.
_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?")


def tempo_map_in(root: ET.Element) -> TempoMap:
    """Raises ProjectError for a tempo that is missing, ramped or out of range."""
    try:
        return TempoMap(_points(root), _meters(root))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ProjectError(f"The project's tempo cannot be read: {error}.", STEPS) from error


def number(text: str | None, what: str) -> Fraction:
    """A decimal of the document, exactly. Raises ProjectError where there is none."""
    found = _DECIMAL.fullmatch((text or "").strip())
    if found is None:
        raise ProjectError(f"The project has no number for {what} but {(text or '')[:40]!r}.")
    return Fraction(found[0])


def _points(root: ET.Element) -> tuple[TempoPoint, ...]:
    found = root.findall("Arrangement/TempoAutomation/RealPoint")
    if not found:
        tempo = root.find("Transport/Tempo")
        return (TempoPoint(Fraction(0), number(None if tempo is None else tempo.get("value"), "the tempo")),)
    _check_beats(root, "TempoAutomation")
    points = []
    for point, following in zip(found, (*found[1:], None), strict=True):
        bpm = number(point.get("value"), "a tempo")
        flat = following is None or following.get("value") == point.get("value")
        if point.get("interpolation") == "linear" and not flat:
            raise ProjectError(f"The tempo ramps from {float(bpm):g} BPM on.", STEPS)
        points.append(TempoPoint(number(point.get("time"), "the time of a tempo"), bpm))
    if points[0].quarter > 0:  # the first tempo holds before it, too
        points.insert(0, TempoPoint(Fraction(0), points[0].bpm))
    return tuple(points)


def _meters(root: ET.Element) -> tuple[MeterChange, ...]:
    first = root.find("Transport/TimeSignature")
    changes = {} if first is None else {Fraction(0): _meter(first)}
    for point in root.findall("Arrangement/TimeSignatureAutomation/TimeSignaturePoint"):
        _check_beats(root, "TimeSignatureAutomation")
        changes[number(point.get("time"), "the time of a time signature")] = _meter(point)
    changes.setdefault(Fraction(0), Meter(4, 4))
    return tuple(MeterChange(quarter, changes[quarter], cuts_bar=quarter > 0) for quarter in sorted(changes))


def _meter(element: ET.Element) -> Meter:
    values = (number(element.get(name), "a time signature") for name in ("numerator", "denominator"))
    numerator, denominator = values
    return Meter(int(numerator), int(denominator))


def _check_beats(root: ET.Element, name: str) -> None:
    automation = root.find(f"Arrangement/{name}")
    assert automation is not None, "it has points"
    unit = automation.get("timeUnit") or "beats"
    if unit != "beats":
        raise ProjectError(
            "The project's tempo is written in seconds, which says nothing of its bars.", STEPS
        )
