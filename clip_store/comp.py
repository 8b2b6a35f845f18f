"""Comping: which part of which take plays in a region, as a list of parts. Pure.

A comp is a tuple of parts in order of time that do not overlap; where it has none, the original plays. Positions are
samples from the song's first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from daw_protocol.timeline.span import Span


class Part(NamedTuple):
    """The stretch [start, end) of the song, from a take."""

    take: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


Comp = tuple[Part, ...]


def overlay(comp: Iterable[Part], part: Part) -> Comp:
    """The comp with a part laid over it; what it covers is cut away."""
    kept: list[Part] = []
    for old in comp:
        kept += [
            Part(old.take, old.start, min(old.end, part.start)),
            Part(old.take, max(old.start, part.end), old.end),
        ]
    return normalised((*kept, part))


def normalised(parts: Iterable[Part]) -> Comp:
    """Parts that do not overlap, in order of time: empty ones left out, neighbours of one take joined."""
    found: list[Part] = []
    for part in sorted(parts, key=lambda one: one.start):
        if part.start >= part.end:
            continue
        if found and found[-1].take == part.take and found[-1].end == part.start:
            found[-1] = Part(part.take, found[-1].start, part.end)
        else:
            found.append(part)
    return tuple(found)


def cropped(comp: Iterable[Part], span: Span) -> Comp:
    """What of the comp lies in the span."""
    return normalised(Part(part.take, max(part.start, span.start), min(part.end, span.end)) for part in comp)


def without(comp: Iterable[Part], take: str) -> Comp:
    """The comp without a take: where it was, the original plays."""
    return normalised(part for part in comp if part.take != take)


def longest_take(comp: Iterable[Part]) -> str:
    """The take most of a comp is from, the earlier one of two; the comp must not be empty."""
    lengths: dict[str, int] = {}
    for part in comp:
        lengths[part.take] = lengths.get(part.take, 0) + part.end - part.start
    return max(lengths, key=lambda take: lengths[take])
