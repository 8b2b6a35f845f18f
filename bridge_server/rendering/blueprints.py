"""Blueprints between requests and engines: what a planner may write, what a render is planned by, and its bars."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from daw_protocol import requests
from daw_protocol.chord_sheet import bar_before
from daw_protocol.recipe import BlueprintRecord, SectionRecord
from daw_protocol.requests import Render
from daw_protocol.requests.planning import Written
from daw_protocol.timeline import Meter, TempoMap
from daw_protocol.timeline.exact_number import exact_decimal
from model.blueprint import Blueprint

ENGINE_NAMES = {"prompt": "caption"}
"""The fields that a blueprint calls otherwise than a request."""
UNKNOWN = "unknown"
_RATE = 192_000
_EDGE = Fraction(5, 1000)  # a section that begins so shortly before a bar line begins on it


def sent(request: Render) -> frozenset[str]:
    """What of LOCKABLE the request and its context have settled, apart from the prompt's own wording."""
    mapped = request.tempo_map is not None
    known = {
        "prompt": bool(request.prompt),
        "lyrics": bool(request.lyrics),
        "language": request.language != UNKNOWN,
        "key": request.key is not None,
        "tempo": mapped or request.bpm is not None,
        "meter": mapped or request.meter is not None,
    }
    return frozenset(name for name, is_known in known.items() if is_known)


def written_fields(request: Render) -> tuple[str, ...]:
    """The fields of a Blueprint that a planner may write for this request; () where it is no such request."""
    if not isinstance(request, Written):
        return ()
    # A prompt is there to be expanded, unless it is locked.
    kept = (sent(request) - {"prompt"}) | set(request.lock)
    if request.instrumental:
        kept |= {"lyrics"}
    return tuple(ENGINE_NAMES.get(name, name) for name in requests.LOCKABLE if name not in kept)


def planned_song(request: Render) -> Blueprint | None:
    """The blueprint that a request is rendered by; it was read when the request was accepted."""
    given = getattr(request, "blueprint", None)
    return Blueprint.from_json(given) if isinstance(given, Mapping) else None


def own_tempo_map(found: BlueprintRecord) -> TempoMap | None:
    """The map of a song that has only its planner's tempo; None where it wrote none."""
    if not found.tempo or not found.meter:
        return None
    return TempoMap.constant(exact_decimal("tempo", found.tempo), Meter.parse(found.meter))


def with_bars(found: BlueprintRecord, tempo_map: TempoMap, start: Fraction) -> BlueprintRecord:
    """The blueprint with the bars of its sections. start: seconds of its first sample on the timeline."""
    return found.evolve(sections=tuple(_on_bars(one, tempo_map, start) for one in found.sections))


def _on_bars(section: SectionRecord, tempo_map: TempoMap, start: Fraction) -> SectionRecord:
    begins = round((start + Fraction(section.start) + _EDGE) * _RATE)
    first = tempo_map.bar_at(tempo_map.quarters_at(begins, _RATE))
    last = bar_before(start + Fraction(section.end), tempo_map)
    return section.evolve(bars=str(first) if last <= first else f"{first}-{last}")
